"""Acceptance criteria of the serving benchmark."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.serving.peers.launch import BENTO_ONNX, FLOOR, MLFLOW_SERVE, OURS, WIRE
from bench.serving.rounds import CONNECTIONS, SINGLE


def check_goals(rounds: Sequence[Mapping[str, Any]], alone: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each goal with its bound, the measured value, and whether it was reached."""
    single = {(r["peer"], r["connections"]): r for r in rounds if r["scenario"] == SINGLE}
    goals = []
    for connections in CONNECTIONS:
        ours, wire, floor = (single[name, connections] for name in (OURS, WIRE, FLOOR))
        where = f"full record, {connections} connections"
        throughput = ours["per_second"]
        goals += [
            _at_least(f"answers per second beside the wire, {where}", 0.75, throughput / wire["per_second"]),
            _at_most(f"p99 beside the wire, {where}", 2, ours["p99"] / wire["p99"]),
            _at_least(f"answers per second beside the {FLOOR}, {where}", 0.75, throughput / floor["per_second"]),
        ]

    def best(name: str) -> float:
        return max((row["per_second"] for (peer, _), row in single.items() if peer == name), default=0.0)

    for name, bound in ((MLFLOW_SERVE, 100), (BENTO_ONNX, 5)):
        if theirs := best(name):
            goals.append(_at_least(f"answers per second beside {name}, best of each", bound, best(OURS) / theirs))
    batches = alone["large_batches"]
    goals += [
        _at_least("rows per second beside the bare graph, batch of 10,000", 0.8, batches["ratio"]),
        _at_least("the same, reading JSON apart", 0.8, batches["ratio_apart_from_json"]),
        _at_least("the same, reading JSON into arrays apart", 0.8, batches["ratio_apart_from_json_and_arrays"]),
        _at_most("seconds from the start of the process to ready", 3, alone["seconds_to_ready"]),
        _at_most("MB of a worker", 250, alone["memory_mb"]),
        _at_most("MB of a worker with its helper for large batches", 250, alone["memory_with_large_batches_mb"]),
    ]
    for connections, row in alone["single_records_beside_large_batches"].items():
        goals.append(
            _at_most(f"p99 of single records beside large batches, {connections} connections", 5, row["ratio"])
        )
    per_core = alone["scaling"]["per_busy_core"]
    goals.append(_at_least("answers per second and busy core, two workers beside one", 0.9, per_core))
    return goals


def _at_least(name: str, bound: float, value: float) -> dict[str, Any]:
    return {"goal": name, "bound": f">= {bound}", "measured": round(value, 2), "reached": value >= bound}


def _at_most(name: str, bound: float, value: float) -> dict[str, Any]:
    return {"goal": name, "bound": f"<= {bound}", "measured": round(value, 2), "reached": value <= bound}
