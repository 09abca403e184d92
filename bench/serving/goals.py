"""The goals, and what was measured of them in this run."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.serving.peers.commands import BENTO_ONNX, FLOOR, MLFLOW_SERVE, OURS, WIRE
from bench.serving.rounds import CONNECTIONS, SINGLE


def of(rounds: Sequence[Mapping[str, Any]], own: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each goal with its bound, what was measured, and whether it was reached."""
    single = {(r["peer"], r["connections"]): r for r in rounds if r["scenario"] == SINGLE}
    found = []
    for connections in CONNECTIONS:
        ours, wire, floor = (single[name, connections] for name in (OURS, WIRE, FLOOR))
        where = f"full record, {connections} connections"
        found += [
            _least(f"answers per second beside the wire, {where}", 0.75, _ratio(ours, wire)),
            _most(f"p99 beside the wire, {where}", 2, ours["p99"] / wire["p99"]),
            _least(f"answers per second beside the {FLOOR}, {where}", 0.75, _ratio(ours, floor)),
        ]
    best = max(CONNECTIONS, key=lambda connections: single[OURS, connections]["per_second"])
    for name, bound in ((MLFLOW_SERVE, 100), (BENTO_ONNX, 5)):
        theirs = [
            single[name, connections]["per_second"] for connections in CONNECTIONS if (name, connections) in single
        ]
        if theirs:
            ratio = single[OURS, best]["per_second"] / max(theirs)
            found.append(_least(f"answers per second beside {name}, best of each", bound, ratio))
    batches = own["large_batches"]
    found += [
        _least("rows per second beside the bare graph, batch of 10,000", 0.8, batches["ratio"]),
        _least("the same, reading JSON apart", 0.8, batches["ratio_apart_from_json"]),
        _least("the same, reading JSON into arrays apart", 0.8, batches["ratio_apart_from_json_and_arrays"]),
        _most("seconds from the start of the process to ready", 3, own["seconds_to_ready"]),
        _most("MB of a worker", 250, own["memory_mb"]),
        _most("MB of a worker with its helper for large batches", 250, own["memory_with_large_batches_mb"]),
    ]
    for connections, shown in own["single_records_beside_large_batches"].items():
        name = f"p99 of single records beside large batches, {connections} connections"
        found.append(_most(name, 5, shown["ratio"]))
    each = own["scaling"]["per_busy_core"]
    found.append(_least("answers per second and busy core, two workers beside one", 0.9, each))
    return found


def _ratio(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> float:
    return float(ours["per_second"] / theirs["per_second"])


def _least(name: str, bound: float, value: float) -> dict[str, Any]:
    return {"goal": name, "bound": f">= {bound}", "measured": round(value, 2), "reached": value >= bound}


def _most(name: str, bound: float, value: float) -> dict[str, Any]:
    return {"goal": name, "bound": f"<= {bound}", "measured": round(value, 2), "reached": value <= bound}
