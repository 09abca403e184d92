"""Rate limit per client: token buckets in bounded memory."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from time import monotonic
from typing import Final

from cachetools import LRUCache

MAX_CLIENTS: Final = 10_000
"""Buckets in memory. Beyond that, the client with the oldest request is dropped: its bucket is full again anyway."""

_SUBNET_BITS: Final = 64
"""Prefix of an IPv6 address that identifies its owner, who chooses the other bits freely."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    updated_at: float  # time.monotonic


class RateLimiter:
    """Allows each client `rate` requests a second and bursts of `burst`. For the event loop only, hence no lock."""

    def __init__(self, rate: float, burst: int, max_clients: int = MAX_CLIENTS) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: LRUCache[str, _Bucket] = LRUCache(max_clients)

    def acquire(self, client: str) -> int:
        """Count a request; returns 0 if it is allowed, else the seconds until the next one will be."""
        now = monotonic()
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(self._burst, now)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.updated_at) * self._rate)
        bucket.updated_at = now
        if bucket.tokens < 1:
            return ceil((1 - bucket.tokens) / self._rate)
        bucket.tokens -= 1
        return 0


def client_of_address(address: str) -> str:
    """The client that an address counts as: for IPv6 its subnet."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _SUBNET_BITS), strict=False).network_address)
