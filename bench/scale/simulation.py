"""Queueing simulation of replicas of the API behind HAProxy, with Poisson arrivals and measured service times.

A request goes to the replica with fewer requests of some that are drawn at random. A replica has one thread. It answers
the requests that wait in one turn, because they share a call of the graph: the first one takes its service time and
each further one a share of it. Replicas on the same cores wait for one in the order in which they became ready.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

REQUESTS: Final = 60_000
SEED: Final = 296
_WARM_UP: Final = 0.1
"""Share of the requests that come before the counted ones, while the queues fill."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier of replicas: their number, their limits, and how they share requests and cores."""

    replicas: int
    cores: int | None = None  # that all replicas share; None: one for each
    choices: int = 2  # replicas that HAProxy compares, drawn with repetition as random(2) does
    limit: int = 128  # requests in a replica, above which it refuses: MAX_IN_FLIGHT
    turn: int = 64  # requests that share a call of the graph
    further: float = 1.0  # time of a further request in a turn, as a share of a first one's


@dataclass(frozen=True, slots=True)
class Prediction:
    """Requests answered per second, share refused, and latencies in milliseconds."""

    per_second: float
    refused: float
    p50: float
    p99: float


def predict(
    tier: Tier, rate: float, quantiles: Sequence[float], requests: int = REQUESTS, seed: int = SEED
) -> Prediction:
    """Behaviour of a tier at a load, in requests per second.

    Quantiles of the service time in seconds are equally spaced from 0 to 1; between them it is linear.
    """
    generator = np.random.default_rng(seed)
    arrivals = np.cumsum(generator.exponential(1 / rate, requests))
    services = np.interp(generator.random(requests), np.linspace(0, 1, len(quantiles)), quantiles)
    return summarise(arrivals, simulate(tier, arrivals, services, generator))


def summarise(arrivals: Values, latencies: Values) -> Prediction:
    """Figures of requests after the warm-up; times in seconds, a refused request has the latency NaN."""
    first = int(_WARM_UP * len(arrivals))
    counted = latencies[first:]
    answered = counted[np.isfinite(counted)]
    seconds = arrivals[-1] - arrivals[first]
    return Prediction(
        per_second=round(len(answered) / seconds, 1),
        refused=round(1 - len(answered) / len(counted), 4),
        p50=round(1000 * float(np.quantile(answered, 0.5)), 4),
        p99=round(1000 * float(np.quantile(answered, 0.99)), 4),
    )


def simulate(tier: Tier, arrivals: Values, services: Values, generator: np.random.Generator) -> Values:
    """Time from arrival to answer of each request, NaN if it was refused; all of shape ``(requests,)``, in seconds."""
    drawn = generator.integers(0, tier.replicas, (len(arrivals), tier.choices)).tolist()
    times, durations = arrivals.tolist(), services.tolist()
    latencies = np.full(len(times), np.nan)
    waiting: list[deque[int]] = [deque() for _ in range(tier.replicas)]
    inside = [0] * tier.replicas  # requests waiting or in the turn
    is_active = [False] * tier.replicas  # in a turn, or waiting for a core
    ready: deque[int] = deque()
    turns: list[tuple[float, int, list[int]]] = []  # end, replica, requests
    free = tier.replicas if tier.cores is None else tier.cores

    def start(now: float) -> None:
        nonlocal free
        while free and ready:
            replica = ready.popleft()
            queue = waiting[replica]
            requests = [queue.popleft() for _ in range(min(len(queue), tier.turn))]
            seconds = durations[requests[0]] * (1 + tier.further * (len(requests) - 1))
            heappush(turns, (now + seconds, replica, requests))
            free -= 1

    def end() -> None:
        nonlocal free
        now, replica, requests = heappop(turns)
        latencies[requests] = [now - times[request] for request in requests]
        inside[replica] -= len(requests)
        free += 1
        is_active[replica] = bool(waiting[replica])
        if is_active[replica]:
            ready.append(replica)
        start(now)

    for request, now in enumerate(times):
        while turns and turns[0][0] <= now:
            end()
        replica = min(drawn[request], key=inside.__getitem__)
        if inside[replica] >= tier.limit:
            continue
        inside[replica] += 1
        waiting[replica].append(request)
        if not is_active[replica]:
            is_active[replica] = True
            ready.append(replica)
            start(now)
    while turns:
        end()
    return latencies
