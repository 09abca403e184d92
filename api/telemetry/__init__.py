"""Prometheus metrics, log lines and the recording of predictions."""
