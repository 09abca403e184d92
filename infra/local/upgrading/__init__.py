"""Upgrade of the native stack: a backup before the migrations, checks after them, and the way back."""
