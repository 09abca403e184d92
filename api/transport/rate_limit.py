"""How often a client may ask: one token bucket for each, in bounded memory."""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil
from time import monotonic
from typing import Final

MOST_CLIENTS: Final = 10_000
"""Buckets that are remembered. A client that has not asked for the longest time is forgotten: its bucket is full."""

_SUBNET: Final = 64
"""Bits of an IPv6 address that say whose it is; the others its owner chooses freely."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float  # on the clock of time.monotonic


class RateLimit:
    """Lets each client ask `rate` times a second, and `burst` times at once. Touched in the event loop only."""

    def __init__(self, rate: float, burst: int, most_clients: int = MOST_CLIENTS) -> None:
        self._rate = rate
        self._burst = burst
        self._most_clients = most_clients
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._buckets)

    def take(self, client: str) -> int:
        """Count a request; returns 0 when it may be answered, else in how many seconds to come again."""
        now = monotonic()
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(self._burst, now)
            if len(self._buckets) > self._most_clients:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(client)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            return ceil((1 - bucket.tokens) / self._rate)
        bucket.tokens -= 1
        return 0


def client_of_address(address: str) -> str:
    """Who an address counts as: of IPv6 the subnet."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> (128 - _SUBNET) << (128 - _SUBNET)))
