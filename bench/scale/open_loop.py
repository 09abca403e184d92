"""Open-loop load: sends requests at given times. A client that waits for answers sends less when they are slow."""

import re
import socket
from collections import deque
from contextlib import ExitStack
from select import select
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from bench.scale.simulation import Values
from bench.serving.peers.launch import Peer

CONNECTIONS: Final = 64
TIMEOUT_SECONDS: Final = 30.0
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def send(peer: Peer, body: bytes, due: Values, connections: int = CONNECTIONS) -> Values:
    """Send a request at each of the times; returns the time from then to the answer. In seconds, NaN if not 200.

    A request that finds no connection free waits, and its wait counts.

    Raises:
        TimeoutError: no answer comes for too long.
    """
    head = f"POST {peer.path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    request, url = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, urlsplit(peer.url)
    times, latencies, answers = due.tolist(), np.full(len(due), np.nan), [b""] * len(due)
    busy: dict[socket.socket, int] = {}
    with ExitStack() as stack:
        opened = (socket.create_connection((url.hostname or "", url.port or 80)) for _ in range(connections))
        free = deque(map(stack.enter_context, opened))
        sent, started = 0, perf_counter()
        while sent < len(times) or busy:
            while sent < len(times) and free and times[sent] <= perf_counter() - started:
                connection = free.popleft()
                connection.sendall(request)
                busy[connection] = sent
                sent += 1
            has_next = sent < len(times) and bool(free)
            wait = max(times[sent] - perf_counter() + started, 0) if has_next else TIMEOUT_SECONDS
            readable, _, _ = select(busy, [], [], wait)
            if not readable and not has_next:
                raise TimeoutError(f"no answer for {TIMEOUT_SECONDS:.0f} s")
            for connection in readable:
                number = busy[connection]
                answers[number] += connection.recv(65_536)
                if _is_complete(answers[number]):
                    if answers[number].startswith(b"HTTP/1.1 200 "):
                        latencies[number] = perf_counter() - started - times[number]
                    free.append(connection)
                    del busy[connection]
    return latencies


def _is_complete(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(separator) and length is not None and len(body) >= int(length[1])
