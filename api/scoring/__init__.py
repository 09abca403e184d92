"""Scoring and explanation of validated records; no HTTP."""
