"""Artifacts of a version's run in MLflow (plots, report, model card): fetching, captions, safe rendering."""
