"""Backup of the whole platform, its schedule, and its status; the way back is in ``restoring``."""
