"""Prometheus: what it scrapes, its rules, and how both are laid out for a stack without Docker."""
