"""Reads the runbooks of ``docs/runbooks`` and prepares them for the Runbooks page; it draws nothing itself."""
