"""``python -m bench.serving.check COMMIT``: compares the service of this checkout with that of a commit, in one run.

Each commit serves a model that its own code trained on the same rows, and has its own database. The service of this
checkout takes part twice: the difference between the two shows how far the machine can be trusted. Exits with 1 if a
throughput is worse than the limit, and with 2 if the machine is too busy to tell.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench.report import print_table
from bench.serving.client import Round, pin_client, require_wrk, run_load
from bench.serving.model import RECORDS
from bench.serving.peers.launch import OURS, ROOT, Peer, launchers, running
from bench.serving.rounds import HUNDRED, LARGE, SINGLE, records_of
from ml.core.proxies import bypass_proxy

FOLDER: Final = Path(".local") / "bench" / "check"
LIMIT: Final = 0.10
NOISE: Final = 0.05
"""Largest difference between the two services of this checkout at which the result is believed."""
SCENARIOS: Final = ((SINGLE, 1), (SINGLE, 16), (SINGLE, 64), (HUNDRED, 1), (HUNDRED, 16), (LARGE, 1))
PRESENT, AGAIN, BEFORE = "present", "present again", "before"

_PREPARE: Final = (
    "import sys; from pathlib import Path; from bench.serving.model import prepare;"
    "prepare(Path(sys.argv[1]), Path(sys.argv[2]), quick=sys.argv[3] == 'quick')"
)
_DATABASE: Final = """
import contextlib, json, signal, tempfile
from pathlib import Path
from bench.database import logging_database
with (
    contextlib.suppress(KeyboardInterrupt),
    tempfile.TemporaryDirectory() as folder,
    logging_database(Path(folder)) as environment,
):
    print(json.dumps(environment), flush=True)
    signal.pause()
"""


def main() -> None:
    """Compare and print the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving.check", description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="what to compare with: a commit, a tag, a branch")
    parser.add_argument("file", nargs="?", default=os.environ.get("DATA_FILE"), help="the genuine data set")
    parser.add_argument("--quick", action="store_true", help="a small model")
    parser.add_argument("--rounds", type=int, default=7, help="of two seconds for each service (default: 7)")
    parser.add_argument("--limit", type=float, default=LIMIT, help="accepted loss, a share (default: %(default)s)")
    options = parser.parse_args()
    if not options.file:
        sys.exit("Name the genuine data set: python -m bench.serving.check COMMIT FILE, or set DATA_FILE.")
    known = ["git", "rev-parse", "--verify", "--quiet", f"{options.commit}^{{commit}}"]
    if subprocess.run(known, cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
        sys.exit(f"There is no commit {options.commit!r} here: make bench-check SINCE=COMMIT.")
    require_wrk()
    bypass_proxy()
    with tempfile.TemporaryDirectory() as scratch, _checkout(options.commit, Path(scratch) / "before") as before:
        roots = {PRESENT: ROOT, AGAIN: ROOT, BEFORE: before}
        folders = {name: _prepared(root, Path(options.file).resolve(), options.quick) for name, root in roots.items()}
        pin_client()
        with ExitStack() as stack:
            peers = [stack.enter_context(_service(name, roots[name], folder)) for name, folder in folders.items()]
            records = json.loads((folders[PRESENT] / RECORDS).read_text())
            rows = [_compared(peers, records, *scenario, options.rounds) for scenario in SCENARIOS]
    print_table(f"This checkout relative to {options.commit}", rows)
    sys.exit(verdict(rows, options.limit))


def verdict(rows: Sequence[Mapping[str, Any]], limit: float) -> int:
    """Exit code: 1 if something became worse than the limit allows, 2 if noise could hide or cause it, else 0."""
    worse = [row for row in rows if row["throughput"] < 1 - limit]
    noisy = [row for row in rows if abs(row["null_throughput"] - 1) > NOISE]
    for row in worse:
        print(f"{row['requests']}, {row['connections']} connections: {row['throughput']:.2f} of the former throughput")
    if noisy:
        print(f"Two services of this checkout differ by more than {NOISE:.0%}: repeat it on a quiet machine.")
        return 2
    return 1 if worse else 0


@contextmanager
def _checkout(commit: str, folder: Path) -> Iterator[Path]:
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(folder), commit], cwd=ROOT, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=True)


def _prepared(root: Path, file: Path, quick: bool) -> Path:
    """The folder of the model that the code of a checkout trained; kept for the next comparison."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
    size = "quick" if quick else "full"
    folder = (FOLDER / f"{commit.stdout.strip()[:12]}-{size}").resolve()
    subprocess.run([sys.executable, "-c", _PREPARE, str(file), str(folder), size], **_in(root), check=True)
    return folder


@contextmanager
def _service(name: str, root: Path, folder: Path) -> Iterator[Peer]:
    with _database(root) as environment:
        launcher = replace(launchers(folder, environment, None)[OURS], name=name)
        with running(launcher, folder, root=root) as peer:
            yield peer


@contextmanager
def _database(root: Path) -> Iterator[dict[str, str]]:
    """A database with the tables of a checkout, in a process of its code."""
    command = [sys.executable, "-c", _DATABASE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **_in(root)) as process:
        environment: dict[str, str] = json.loads(process.stdout.readline() if process.stdout else "")
        try:
            yield environment
        finally:
            process.send_signal(signal.SIGINT)


def _in(root: Path) -> dict[str, Any]:
    return {"cwd": root, "env": {**os.environ, "PYTHONPATH": str(root)}}


def _compared(
    peers: Sequence[Peer], records: Sequence[Any], scenario: str, connections: int, rounds: int
) -> dict[str, Any]:
    """Medians of the ratios of each round: this checkout beside the commit, and beside itself."""
    bodies = {peer.name: peer.body(records_of(scenario, records)) for peer in peers}
    measured: dict[str, list[Round]] = {peer.name: [] for peer in peers}
    seconds = 4 if scenario == LARGE else 2
    for number in range(-1, rounds):
        for peer in (*peers[number % len(peers) :], *peers[: number % len(peers)]):  # no service is always the first
            result = run_load(peer, bodies[peer.name], connections, 1 if number < 0 else seconds)
            if number >= 0:  # the first is a warm-up
                measured[peer.name].append(result)

    def ratio(name: str, other: str, member: str) -> float:
        pairs = zip(measured[name], measured[other], strict=True)
        return float(round(statistics.median(getattr(one, member) / getattr(two, member) for one, two in pairs), 3))

    return {
        "requests": scenario,
        "connections": connections,
        "per_second": round(statistics.median(one.per_second for one in measured[PRESENT])),
        "throughput": ratio(PRESENT, BEFORE, "per_second"),
        "p50": ratio(PRESENT, BEFORE, "p50"),
        "processor_time": ratio(PRESENT, BEFORE, "cpu_microseconds"),
        "null_throughput": ratio(AGAIN, PRESENT, "per_second"),
        "null_processor_time": ratio(AGAIN, PRESENT, "cpu_microseconds"),
    }


if __name__ == "__main__":
    main()
