"""Point-in-time recovery: archived WAL, base backups, and the way back to a time between two backups."""
