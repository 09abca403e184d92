"""``python -m tests.support.repeat RUNS``: runs ``make test`` many times; half of the runs beside two busy processes.

Prints a line per run, and the output of each failure to ``build/repeat/RUN.log``. The exit status is the number of
failed runs.
"""

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "repeat"
BUSY_PROCESSES = 2


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


def run_once(number: int, command: str) -> bool:
    """Run the command; returns whether it passed."""
    count = BUSY_PROCESSES if number % 2 else 0
    begun = time.monotonic()
    with (FOLDER / f"{number:02}.log").open("w") as log, busy(count):
        done = subprocess.run(["bash", "-c", command], cwd=ROOT, stdout=log, stderr=log, check=False)
    beside = f" beside {count} busy processes" if count else ""
    verdict = "passed" if done.returncode == 0 else f"FAILED, see {log.name}"
    sys.stdout.write(f"run {number}: {verdict} in {(time.monotonic() - begun) / 60:.1f} min{beside}\n")
    sys.stdout.flush()
    return done.returncode == 0


def main(runs: int, command: str) -> int:
    """Run the command `runs` times."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    failed = sum(not run_once(number, command) for number in range(1, runs + 1))
    sys.stdout.write(f"{runs - failed} of {runs} runs passed\n")
    return failed


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), " ".join(sys.argv[2:]) or "make test"))
