"""Records every attempt of a Python program to reach another machine; active where this folder is on ``PYTHONPATH``.

Each attempt is a line in the file that ``OUTSIDE_CONNECTIONS`` names: program, event and address.
"""

import ipaddress
import os
import socket
import sys
from contextlib import suppress

_FILE = os.environ.get("OUTSIDE_CONNECTIONS", "")
_PROGRAM = " ".join(sys.orig_argv).replace("\n", " ")[:200]


def _own_names() -> set[str]:
    names = {"", "localhost", socket.gethostname().lower()}
    with suppress(OSError):
        names |= {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None)}
    return names


_OWN_NAMES = _own_names()


def _is_local(host: object) -> bool:
    if host is None:
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name.lower() in _OWN_NAMES:
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if not _is_local(host):
        with open(_FILE, "a") as file:  # noqa: PTH123 -- imports nothing that the program itself may not have
            file.write(f"{_PROGRAM} | {event} | {host!s}\n")


if _FILE:
    sys.addaudithook(_audit)
