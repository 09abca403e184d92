"""The ``diabetes`` database: connection, tables, and reading of the training data; no ingestion."""
