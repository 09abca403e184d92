"""Promotion: decides which model version is in production, records the decision and moves the alias."""
