"""The ``diabetes`` database: tables, and tables in and out by COPY."""
