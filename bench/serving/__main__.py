"""``python -m bench.serving [--quick] [FILE]``: runs all servers side by side and compares them in alternating rounds.

Prints tables and writes ``bench/results/serving.json``. Ratios are comparable between machines, absolute times are not.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.database import logging_database
from bench.report import machine, print_table, write_result
from bench.serving.acceptance import check_goals
from bench.serving.client import pin_client, require_wrk
from bench.serving.model import RECORDS, prepare
from bench.serving.peers.launch import bento_environment, launchers, running
from bench.serving.rounds import Plan, compare
from bench.serving.single_server import measure_alone, measure_scaling
from ml.core.proxies import bypass_proxy

FOLDER: Final = Path(".local") / "bench" / "serving"


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving", description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", default=os.environ.get("DATA_FILE"), help="the genuine data set")
    parser.add_argument("--quick", action="store_true", help="a minute, a small model, no result file")
    parser.add_argument("--without-bento", action="store_true", help="where its environment cannot be installed")
    options = parser.parse_args()
    if not options.file:
        sys.exit("Name the genuine data set: python -m bench.serving FILE, or set DATA_FILE.")
    require_wrk()
    bypass_proxy()
    folder = (FOLDER / ("quick" if options.quick else "full")).resolve()
    model = prepare(Path(options.file), folder, quick=options.quick)
    bento = None if options.without_bento else bento_environment(FOLDER.resolve())
    result = {"model": model, **measure(folder, bento, Plan.quick() if options.quick else Plan.full())}
    result["machine"] = machine("numpy", "onnxruntime", "fastapi", "uvicorn", "mlflow", "scikit-learn")
    result["measured_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    print_table("Rounds", result["rounds"])
    print_table("Goals", result["goals"])
    if not options.quick:
        write_result("serving", result)


def measure(folder: Path, bento: Path | None, plan: Plan) -> dict[str, Any]:
    """All measurements, on newly started servers."""
    records = json.loads((folder / RECORDS).read_text())
    pin_client()
    with tempfile.TemporaryDirectory() as scratch, logging_database(Path(scratch)) as environment:
        known = launchers(folder, environment, bento)
        with ExitStack() as stack:
            peers = [stack.enter_context(running(launcher, folder)) for launcher in known.values()]
            rounds = compare(peers, records, plan)
        alone = measure_alone(known, folder, records, plan) | {"scaling": measure_scaling(known, folder, plan)}
    return {"rounds": rounds, "alone": alone, "goals": check_goals(rounds, alone)}


if __name__ == "__main__":
    main()
