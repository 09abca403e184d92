"""Questions that tell whether a service does its work, not only whether its process runs."""

import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

Probe = Callable[[float], bool]


def http_probe(url: str) -> Probe:
    """Ready once the address answers 200."""

    def ready(_started_at: float) -> bool:
        return _get(url) is not None

    return ready


def airflow_probe(airflow_url: str, component: str) -> Probe:
    """Ready once Airflow calls the component healthy by a heartbeat of this very process."""

    def ready(started_at: float) -> bool:
        answer = _get(f"{airflow_url}/api/v2/monitor/health")  # always 200: the body tells
        if answer is None:
            return False
        found: dict[str, Any] = answer.json().get(component) or {}
        heartbeat = found.get(f"latest_{component}_heartbeat")
        return (
            found.get("status") == "healthy"
            and heartbeat is not None
            and datetime.fromisoformat(heartbeat).timestamp() >= started_at
        )

    return ready


def _get(url: str) -> httpx.Response | None:
    try:
        answer = httpx.get(url, timeout=5)
    except httpx.TransportError:
        return None
    return answer if answer.status_code == httpx.codes.OK else None


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
