"""Access to PostgreSQL: patient history, prediction log and feedback; no HTTP."""
