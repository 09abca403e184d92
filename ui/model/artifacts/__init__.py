"""Plots, report and model card of a version, read from MLflow and shown."""
