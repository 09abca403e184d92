"""Metrics and logs of the service, and the recording of answered requests."""
