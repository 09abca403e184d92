"""Programs that run only in Docker Compose: one-shots before a start, and the start of the MLflow server."""
