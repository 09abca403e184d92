"""``python -m bench.serving [--quick] [FILE]``: start everybody side by side, ask in alternating rounds, compare.

Prints tables and writes ``bench/results/serving.json``. Ratios count; absolute times are those of this machine.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench.machine import machine
from bench.serving import goals, tables
from bench.serving.alone import alone
from bench.serving.client import require_wrk
from bench.serving.database import database
from bench.serving.model import RECORDS, prepare
from bench.serving.peers.commands import CLIENT_CORE, Peer, bento_environment, kinds, running
from bench.serving.rounds import Plan, compare
from bench.serving.scaling import scaling

RESULT: Final = Path(__file__).parents[1] / "results" / "serving.json"
FOLDER: Final = Path(".local") / "bench" / "serving"


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving", description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", default=os.environ.get("DATA_FILE"), help="the genuine data set")
    parser.add_argument("--quick", action="store_true", help="a minute, a small model, and nothing is written")
    parser.add_argument("--without-bento", action="store_true", help="where its environment cannot be made")
    given = parser.parse_args()
    if not given.file:
        sys.exit("Name the genuine data set: python -m bench.serving FILE, or set DATA_FILE.")
    require_wrk()
    folder = (FOLDER / ("quick" if given.quick else "full")).resolve()
    model = prepare(Path(given.file), folder, quick=given.quick)
    bento = None if given.without_bento else bento_environment(FOLDER.resolve())
    result = {"model": model, **measure(folder, bento, Plan.quick() if given.quick else Plan.full())}
    result["machine"] = machine("numpy", "onnxruntime", "fastapi", "uvicorn", "mlflow", "scikit-learn")
    result["measured_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    Console(width=140).print(*tables.of(result))
    if not given.quick:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")


def measure(folder: Path, bento: Path | None, plan: Plan) -> dict[str, Any]:
    """Everything, on servers that were started for it."""
    records = json.loads((folder / RECORDS).read_text())
    os.sched_setaffinity(0, {CLIENT_CORE})  # and with us PostgreSQL: the servers have their core for themselves
    with tempfile.TemporaryDirectory() as scratch, database(Path(scratch)) as login:
        known = kinds(folder, login, bento)
        rounds = _side_by_side(known, folder, records, plan)
        own = alone(known, folder, records, plan) | {"scaling": scaling(known, folder, plan)}
    return {"rounds": rounds, "alone": own, "goals": goals.of(rounds, own)}


def _side_by_side(known: Mapping[str, Any], folder: Path, records: list[Any], plan: Plan) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        peers: list[Peer] = [stack.enter_context(running(name, kind, folder)) for name, kind in known.items()]
        return compare(peers, records, plan)


if __name__ == "__main__":
    main()
