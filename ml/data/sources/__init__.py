"""Data sources: UCI, a file, or a synthetic cohort, each delivered as one file; no validation and no database."""
