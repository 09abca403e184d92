"""Restoring a backup: checks before it, restored databases and folders beside the present ones, swap, verification."""
