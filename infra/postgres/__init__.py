"""What all stacks share of PostgreSQL; the servers of the native stack are in ``infra.local.postgres``."""
