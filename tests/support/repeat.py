"""``python -m tests.support.repeat RUNS [--command "make test"] [--since COMMIT]``: runs a command many times.

Every second run has two busy processes beside it. A run adds a line to ``build/repeat/results.jsonl`` and keeps its
output if it fails, so that the runs of several invocations add up: those of the present commit, with ``--since`` those
of every commit from COMMIT to the present one. Runs on uncommitted changes are reported but do not count. The exit
status is 1 if a run that counts failed.
"""

import argparse
import json
import multiprocessing
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "repeat"
BUSY_PROCESSES = 2
LAST_LINES = 15

_FAILURE = re.compile(r"^(?:FAILED|ERROR) (.+)$", re.M)
"""A line of pytest's summary: test and cause."""


@dataclass(frozen=True)
class Run:
    """A run of the command on a commit."""

    started_at: str
    commit: str  # with "+" if files differed from it
    command: str
    busy: int
    minutes: float
    passed: bool
    causes: list[str]
    log: str


def _spin() -> None:
    while True:
        sum(range(10_000))


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep `count` processor cores busy until the context ends."""
    processes = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def git(*arguments: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    return done.stdout.strip()


def present_commit() -> str:
    """The commit, with "+" if tracked files differ from it."""
    return git("rev-parse", "HEAD") + "+" * bool(git("status", "--porcelain", "--untracked-files=no"))


def causes_of(output: str) -> list[str]:
    """Failed tests with their causes; the last lines where pytest names none, as for a fault of style or types."""
    return _FAILURE.findall(output) or [line for line in output.splitlines() if line.strip()][-LAST_LINES:]


def run_once(command: str, count: int, folder: Path) -> Run:
    """Run the command beside `count` busy processes, and save what became of it."""
    begun, started, commit = time.monotonic(), datetime.now(UTC), present_commit()
    log = folder / f"{started:%Y%m%d-%H%M%S-%f}.log"
    with log.open("w") as output, busy(count):
        done = subprocess.run(["bash", "-c", command], cwd=ROOT, stdout=output, stderr=output, check=False)
    passed = done.returncode == 0
    causes = [] if passed else causes_of(log.read_text(errors="replace"))
    minutes = round((time.monotonic() - begun) / 60, 2)
    run = Run(started.isoformat(), commit, command, count, minutes, passed, causes, str(log))
    with (folder / "results.jsonl").open("a") as results:
        results.write(json.dumps(asdict(run)) + "\n")
    if passed:
        log.unlink()
    return run


def saved(folder: Path, command: str, commits: Sequence[str]) -> list[Run]:
    """Saved runs of the command on these commits, in order of time."""
    results = folder / "results.jsonl"
    lines = results.read_text().splitlines() if results.exists() else []
    runs = [Run(**json.loads(line)) for line in lines]
    return [run for run in runs if run.command == command and run.commit in commits]


def sentence(run: Run) -> str:
    """A run in a line, with a line for each cause of its failure."""
    beside = f" beside {run.busy} busy processes" if run.busy else ""
    verdict = "passed" if run.passed else f"FAILED, see {run.log}"
    head = f"{run.started_at[:16]} {run.commit[:9]}{'+' * run.commit.endswith('+')}: {verdict}"
    return "\n    ".join([f"{head} in {run.minutes:.1f} min{beside}", *run.causes])


def summary(runs: Sequence[Run]) -> str:
    """How many runs passed, how many of them in a row up to the last, and every failure with its causes."""
    in_a_row = next((place for place, run in enumerate(reversed(runs)) if not run.passed), len(runs))
    passed, beside = sum(run.passed for run in runs), sum(run.busy > 0 for run in runs)
    counts = (
        f"{passed} of {len(runs)} runs passed, {beside} of them beside busy processes; the last {in_a_row} in a row"
    )
    return "\n".join([counts, *(sentence(run) for run in runs if not run.passed)])


def main(arguments: Sequence[str]) -> int:
    """Run the command, and report all runs that count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=int, help="runs to add; 0 only reports")
    parser.add_argument("--command", default="make test", help="(default: %(default)s)")
    parser.add_argument(
        "--since", default="HEAD", metavar="COMMIT", help="first commit that counts (default: the present)"
    )
    options = parser.parse_args(arguments)
    commits = [git("rev-parse", options.since), *git("rev-list", f"{options.since}..HEAD").splitlines()]
    FOLDER.mkdir(parents=True, exist_ok=True)
    before = len(saved(FOLDER, options.command, commits))
    for number in range(before, before + options.runs):
        print(sentence(run_once(options.command, BUSY_PROCESSES * (number % 2), FOLDER)), flush=True)
    runs = saved(FOLDER, options.command, commits)
    print(summary(runs))
    return int(any(not run.passed for run in runs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
