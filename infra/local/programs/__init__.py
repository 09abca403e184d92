"""The programs of the native stack: command, environment, ports and readiness of each."""
