"""Panels of the Monitoring page, each drawn from the snapshot; they send no requests."""
