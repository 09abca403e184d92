"""The machine's secrets: made once, kept in files, never shown."""
