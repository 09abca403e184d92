"""Scoring and explaining of validated records; no HTTP."""
