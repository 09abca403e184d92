"""Compares peers in alternating rounds, so that noise of the machine affects all of them."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from bench.serving.client import Round, run_load
from bench.serving.peers.launch import FLOOR, OURS, PLAIN, QUIET, SLOW, WIRE, Peer
from ml.schema import EXAMPLE_RECORD, Record

SINGLE: Final = "full record"
SHORT: Final = "three fields"
HUNDRED: Final = "batch of 100"
LARGE: Final = "batch of 10,000"
CONNECTIONS: Final = (1, 16, 64)


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds per round, rounds, and the numbers of connections of each scenario."""

    seconds: float
    rounds: int
    scenarios: dict[str, Sequence[int]]

    @classmethod
    def full(cls) -> "Plan":
        """About six minutes."""
        return cls(2, 3, dict.fromkeys((SINGLE, SHORT, HUNDRED, LARGE), CONNECTIONS))

    @classmethod
    def quick(cls) -> "Plan":
        """About a minute."""
        return cls(1, 1, {SINGLE: CONNECTIONS, HUNDRED: (1,), LARGE: (1,)})


def records_of(scenario: str, records: Sequence[Record]) -> Sequence[Record]:
    """Records of a request of the scenario."""
    if scenario == SINGLE:
        return [EXAMPLE_RECORD]
    if scenario == SHORT:
        return [{name: EXAMPLE_RECORD[name] for name in ("race", "gender", "age")}]
    return records[:100] if scenario == HUNDRED else records


def compare(peers: Sequence[Peer], records: Sequence[Record], plan: Plan) -> list[dict[str, Any]]:
    """Medians by scenario, number of connections and peer."""
    rows = []
    for scenario, numbers in plan.scenarios.items():
        bodies = {peer.name: peer.body(records_of(scenario, records)) for peer in peers}
        for peer in peers:
            if _takes_part(peer, scenario, 1):
                run_load(peer, bodies[peer.name], 1, 1)  # warm-up
        for connections in numbers:
            measured: dict[str, list[Round]] = {p.name: [] for p in peers if _takes_part(p, scenario, connections)}
            for number in range(plan.rounds):
                for peer in peers:
                    seconds = _seconds(peer, scenario, connections, number, plan)
                    if peer.name in measured and seconds:
                        measured[peer.name].append(run_load(peer, bodies[peer.name], connections, seconds))
            at = {"scenario": scenario, "connections": connections}
            rows += [{"peer": name, **at, **_median(rounds)} for name, rounds in measured.items()]
    return rows


def _median(rounds: Sequence[Round]) -> dict[str, Any]:
    values = [asdict(one) for one in rounds]
    return {name: round(statistics.median(row[name] for row in values), 3) for name in values[0]}


def _seconds(peer: Peer, scenario: str, connections: int, number: int, plan: Plan) -> float:
    """Seconds of a peer's round; 0 if it skips the round. Every peer takes part in the first round."""
    if scenario == LARGE:
        return 2 * plan.seconds if number == 0 else 0
    if peer.name in SLOW:  # one round, long enough for a response on every connection
        return max(plan.seconds, connections / 10) if number == 0 else 0
    return plan.seconds if scenario == SINGLE or number == 0 or number < plan.rounds - 1 else 0


def _takes_part(peer: Peer, scenario: str, connections: int) -> bool:
    if peer.name == FLOOR:
        return scenario == SINGLE
    if peer.name in (WIRE, QUIET):
        return scenario in (SINGLE, SHORT)
    return scenario != LARGE or peer.name == OURS or (peer.name == PLAIN and connections == 1)
