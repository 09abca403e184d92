"""Proxies of the environment: services of the platform are reached without one."""

import os
from typing import Final
from urllib.parse import urlsplit

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
VARIABLES: Final = ("no_proxy", "NO_PROXY")
"""Libraries read one or the other; most prefer the first."""


def bypass_proxy(*urls: str) -> None:
    """Exempt loopback and the hosts of the URLs from the proxy, in this process and those that it starts.

    Other hosts, such as the source of the data, are still reached through the proxy.
    """
    present = [host.strip() for name in VARIABLES for host in os.environ.get(name, "").split(",")]
    hosts = dict.fromkeys([*present, *LOOPBACK, *(urlsplit(url).hostname or "" for url in urls)])
    # "*" exempts every host, and urllib recognises it only when it stands alone.
    value = "*" if "*" in hosts else ",".join(filter(None, hosts))
    os.environ.update(dict.fromkeys(VARIABLES, value))
