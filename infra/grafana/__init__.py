"""Grafana: provisioning, and the dashboards written from Python (`python -m infra.grafana.build`)."""
