"""The panels of the Monitoring page, one module each."""
