"""Ingestion: fetch, validate, load into PostgreSQL, split by patient; no features and no models."""
