"""Readiness probes: whether a service works, not only whether its process runs."""

import socket
from collections.abc import Callable
from datetime import datetime
from random import SystemRandom
from typing import Any

import httpx

Probe = Callable[[float], bool]
"""Takes the start time of the process in seconds since the epoch: an earlier process may have left a heartbeat."""

_PORTS = range(20_000, 32_768)
"""Below those that operating systems give to outgoing connections, which could take a port before its program."""
_returned: set[int] = set()


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
    """Return a TCP port that no program listens on; another one at each call, so two programs never share it.

    Raises:
        OSError: every port was taken.
    """
    for port in SystemRandom().sample(_PORTS, len(_PORTS)):  # programs that start together draw different ports
        if port not in _returned and _is_free(port):
            _returned.add(port)
            return port
    raise OSError(f"No port from {_PORTS.start} to {_PORTS.stop - 1} is free on 127.0.0.1.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
