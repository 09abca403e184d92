"""Rounds in which everybody is asked in turn, so that what the machine does meanwhile meets all alike."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from bench.serving.client import Round, ask
from bench.serving.peers.commands import FLOOR, OURS, PLAIN, QUIET, SLOW, WIRE, Peer
from ml.schema import EXAMPLE_RECORD, Record

SINGLE: Final = "full record"
SHORT: Final = "three fields"
HUNDRED: Final = "batch of 100"
LARGE: Final = "batch of 10,000"
CONNECTIONS: Final = (1, 16, 64)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often; scenarios to connections."""

    seconds: float
    rounds: int
    scenarios: dict[str, Sequence[int]]

    @classmethod
    def full(cls) -> "Plan":
        """About six minutes."""
        every = dict.fromkeys((SINGLE, SHORT, HUNDRED), CONNECTIONS)
        return cls(2, 3, {**every, LARGE: CONNECTIONS})

    @classmethod
    def quick(cls) -> "Plan":
        """About a minute."""
        return cls(1, 1, {SINGLE: CONNECTIONS, HUNDRED: (1,), LARGE: (1,)})


def asked_of(scenario: str, records: Sequence[Record]) -> Sequence[Record]:
    """The records of a request."""
    if scenario == SINGLE:
        return [EXAMPLE_RECORD]
    if scenario == SHORT:
        return [{name: EXAMPLE_RECORD[name] for name in ("race", "gender", "age")}]
    return records[:100] if scenario == HUNDRED else records


def compare(peers: Sequence[Peer], records: Sequence[Record], plan: Plan) -> list[dict[str, Any]]:
    """The medians of every scenario, number of connections and peer."""
    found = []
    for scenario, numbers in plan.scenarios.items():
        asked = asked_of(scenario, records)
        bodies = {peer.name: peer.body(asked) for peer in peers}
        for peer in peers:
            if _takes_part(peer, scenario, 1):
                ask(peer, bodies[peer.name], 1, 1)  # warm
        for connections in numbers:
            taking_part = [peer for peer in peers if _takes_part(peer, scenario, connections)]
            shown: dict[str, list[Round]] = {peer.name: [] for peer in taking_part}
            for number in range(plan.rounds):
                for peer in taking_part:
                    if seconds := _seconds(peer, scenario, connections, number, plan):
                        shown[peer.name].append(ask(peer, bodies[peer.name], connections, seconds))
            where = {"scenario": scenario, "connections": connections}
            found += [{"peer": name, **where, **_median(several)} for name, several in shown.items()]
    return found


def _seconds(peer: Peer, scenario: str, connections: int, number: int, plan: Plan) -> float:
    """How long a peer is asked in a round; 0 is not at all. Every peer is asked in the first."""
    if scenario == LARGE:
        return 2 * plan.seconds if number == 0 else 0
    if peer.name in SLOW:  # one round, in which all connections have their answers
        return max(plan.seconds, connections / 10) if number == 0 else 0
    return plan.seconds if scenario == SINGLE or number == 0 or number < plan.rounds - 1 else 0


def _takes_part(peer: Peer, scenario: str, connections: int) -> bool:
    """The wire checks a batch, but does nothing with it; others need many seconds for the largest."""
    if peer.name == FLOOR:
        return scenario == SINGLE
    if peer.name in (WIRE, QUIET):
        return scenario in (SINGLE, SHORT)
    return scenario != LARGE or peer.name == OURS or (peer.name == PLAIN and connections == 1)


def _median(several: Sequence[Round]) -> dict[str, Any]:
    plain = [asdict(one) for one in several]
    return {name: round(statistics.median(one[name] for one in plain), 3) for name in plain[0]}
