"""Guards the web interface: only the API is loaded, and only its own page starts a test.

Locust's page takes any host from anyone, and requests carry ``API_KEY``. A host is allowed if it is ``API_URL`` or
given on the command line. Uses the standard library only.
"""

from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PORTS = {"http": 80, "https": 443}


def same_address(first: str, second: str) -> bool:
    """Whether two URLs are the same place: the names of loopback are one host, and a trailing slash is nothing."""
    return _place(first) == _place(second) is not None


def _place(url: str) -> tuple[str, str, int | None, str] | None:
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.username is not None or parts.query or parts.fragment:
        return None
    name = "localhost" if host in LOOPBACK else host
    return parts.scheme, name, port or PORTS.get(parts.scheme), parts.path.rstrip("/")


def refused_host(host: str, allowed: list[str]) -> str | None:
    """Why the host must not be loaded, or None."""
    if any(same_address(host, known) for known in allowed):
        return None
    return f"This load test may only load {' or '.join(allowed)}: set API_URL, or start Locust with --host."


def is_foreign(origin: str | None, host: str, public_url: str) -> bool:
    """Whether a browser sends the request for a page of another origin; other programs send no origin."""
    own = (f"http://{host}", f"https://{host}", public_url)
    return origin is not None and not any(same_address(origin, address) for address in own)
