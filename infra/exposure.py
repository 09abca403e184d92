"""Refuses to open ports to the network with the logins of the demonstration, or without API keys."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Final

DEMONSTRATION: Final = {"AIRFLOW_PASSWORD": "airflow", "GRAFANA_PASSWORD": "admin"}
"""Passwords that everybody knows, by the name of their setting. They apply where the setting is empty too."""


def refusal(settings: Mapping[str, str], logins: Iterable[str] = DEMONSTRATION) -> str | None:
    """The reason not to start, naming each setting to change; None if only this machine reaches the ports.

    ``logins`` are the settings of the passwords that protect a page. ``GATEWAY_HOST`` is set where the gateway runs,
    and ``SCALED`` where HAProxy does.
    """
    if settings.get("GATEWAY_HOST") and settings.get("SCALED"):
        return (
            "docker-compose.gateway.yml and docker-compose.scale.yml do not work together: HAProxy would publish the "
            "API without TLS, and workers would not find Airflow. Take one of them out of COMPOSE_FILE."
        )
    address = settings.get("BIND_ADDRESS", "")
    is_open = not is_loopback(address or "127.0.0.1")
    known = [name for name in logins if is_open and settings.get(name, "") in ("", DEMONSTRATION[name])]
    faults = [f"{name} is the one of the demonstration" for name in known]
    if (is_open or settings.get("GATEWAY_HOST")) and not settings.get("API_KEYS", "").strip():
        faults.append("API_KEYS is empty")
    if not faults:
        return None
    if not is_open:
        return "The gateway opens the API without a login, and API_KEYS is empty: set it in .env."
    return (
        f"BIND_ADDRESS={address} opens the ports to the network, and {', '.join(faults)}: "
        "set them in .env, or set BIND_ADDRESS=127.0.0.1."
    )


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address; a name other than localhost counts as reachable."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"
