"""Operation of the platform: databases, monitoring, secrets, Docker Compose, and the stack without Docker."""
