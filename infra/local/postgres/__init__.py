"""PostgreSQL of the native stack: clusters, roles and databases."""
