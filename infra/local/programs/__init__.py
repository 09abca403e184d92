"""Command, environment, ports and readiness of every program of the native stack; processes are in supervision."""
