"""Grafana: provisioning, and the dashboards as Python that writes their JSON (``python -m infra.grafana.build``)."""
