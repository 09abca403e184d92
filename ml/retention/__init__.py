"""Deletion of what is old: versions and runs in MLflow, and rows that no page, decision or rollback needs. No HTTP."""
