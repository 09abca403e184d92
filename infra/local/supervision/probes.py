"""Readiness probes: whether a service works, not only whether its process runs."""

import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

Probe = Callable[[float], bool]
"""Takes the start time of the process in seconds since the epoch: an earlier process may have left a heartbeat."""


def http_probe(url: str) -> Probe:
    """Ready when the URL answers 200."""
    return lambda _started_at: _get(url) is not None


def airflow_probe(airflow_url: str, component: str) -> Probe:
    """Ready when Airflow reports the component as healthy, by a heartbeat later than the start of the process."""

    def ready(started_at: float) -> bool:
        response = _get(f"{airflow_url}/api/v2/monitor/health")  # 200 also when a component is not healthy
        if response is None:
            return False
        health: dict[str, Any] = response.json().get(component) or {}
        heartbeat = health.get(f"latest_{component}_heartbeat")
        return (
            health.get("status") == "healthy"
            and heartbeat is not None
            and datetime.fromisoformat(heartbeat).timestamp() >= started_at
        )

    return ready


def _get(url: str) -> httpx.Response | None:
    try:
        response = httpx.get(url, timeout=5)
    except httpx.TransportError:
        return None
    return response if response.status_code == httpx.codes.OK else None


def free_port() -> int:
    """Return a TCP port that no program listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
