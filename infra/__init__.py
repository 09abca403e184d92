"""How the platform runs: databases, watching, secrets, and the stack without Docker."""
