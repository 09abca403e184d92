"""Alertmanager: who is told what, and how its configuration is laid out for a stack without Docker."""
