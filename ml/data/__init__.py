"""Ingestion: from a source through validation into PostgreSQL, split by patient; no features and no models."""
