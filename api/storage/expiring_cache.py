"""What was looked up lately: so many entries at most, each for so long."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class ExpiringCache(Generic[Key, Value]):
    """Forgets what is older than its time, and what was used least lately where there is no room."""

    def __init__(self, capacity: int, seconds: float) -> None:
        self._capacity = capacity
        self._seconds = seconds
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        """How many entries it holds, expired ones included."""
        return len(self._entries)

    def find(self, keys: Iterable[Key]) -> dict[Key, Value]:
        """Those of the entries that it holds."""
        now = monotonic()
        found: dict[Key, Value] = {}
        with self._lock:
            for key in keys:
                entry = self._entries.get(key)
                if entry is not None and now < entry[0]:
                    self._entries.move_to_end(key)
                    found[key] = entry[1]
        return found

    def keep(self, entries: Mapping[Key, Value]) -> None:
        """Take new entries, and let the ones used least lately go."""
        expires = monotonic() + self._seconds
        with self._lock:
            for key, value in entries.items():
                self._entries[key] = (expires, value)
                self._entries.move_to_end(key)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
