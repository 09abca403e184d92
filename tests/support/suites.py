"""Runs the test suites of CI within a time budget: ``python3 tests/support/suites.py [--all] [--minutes 60]``.

The suites of `ALWAYS` run every time. Of the `LONG` suites, those that cover files of the latest commits run first, the
others follow in rotation. A long suite is started only if it is expected to end within the budget. The expected time is
the measured time of the suite on a quiet machine, times how much slower this run has been so far.

``--all`` runs every suite whatever it takes, and writes the result into ``docs/testing.md``.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "testing.md"
BEGIN, END = "<!-- last complete run: begin -->", "<!-- last complete run: end -->"
RECENT_COMMITS = 40
MARGIN_MINUTES = 2.0

_SUMMARY = re.compile(r"=* ?((?:\d+ \w+(?:, )?)+) in [\d.]+s")
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|error|errors)\b")


@dataclass(frozen=True)
class Suite:
    """A command with its duration on two quiet cores and the paths that it covers."""

    name: str
    command: str
    minutes: float
    covers: tuple[str, ...] = ()
    replaces: str = ""  # a suite of ALWAYS that this one contains


@dataclass
class Outcome:
    """What became of a suite."""

    suite: Suite
    minutes: float
    passed: int
    failed: int
    skipped: int
    status: int


ALWAYS = (
    Suite("pre-commit", "make pre-commit", 0.3),
    Suite("types", "make types", 0.7),
    Suite("unit", "make unit", 2.0),
    Suite("integration", "make integration", 16.0),
    Suite("e2e", "make e2e-native", 8.0),
    Suite("compose-smoke", "make compose-smoke", 5.0),
)
LONG = (
    Suite(
        "integration-long",
        "make integration-long",
        11.0,
        (
            "dags/",
            "infra/backup/",
            "infra/local/upgrading/",
            "ml/compute/",
            "ml/evaluation/",
            "ml/scoring/",
            "ml/training/",
        ),
    ),
    Suite("e2e with the interface", "make e2e", 16.0, ("ui/", "api/contract/", "tests/e2e/interface/"), "e2e"),
    Suite("faults", "make test-faults", 9.0, ("api/", "ml/core/", "ml/promotion/", "ml/registry/", "tests/faults/")),
    Suite(
        "security",
        "make test-security",
        1.5,
        ("api/models/", "ml/core/signing/", "ml/promotion/", "infra/secrets/", "tests/security/"),
    ),
    Suite(
        "clients",
        "make test-clients",
        3.5,
        ("api/contract/", "api/protocols/", "api/routes/", "api/transport/", "docs/clients/", "tests/clients/"),
    ),
    Suite(
        "observability",
        "make test-observability",
        6.6,
        ("infra/prometheus/", "infra/grafana/", "infra/exporter/", "infra/alertmanager/", "ml/monitoring/", "dags/"),
    ),
    Suite(
        "operations",
        "make test-operations",
        28.0,
        ("infra/backup/", "infra/local/", "infra/secrets/", "ml/migrations/", "tests/operations/"),
    ),
    Suite(
        "compose",
        "make compose-test",
        20.0,
        ("docker-compose.yml", "api.dockerfile", "airflow.dockerfile", "streamlit.dockerfile", "infra/", "locust/"),
        "compose-smoke",
    ),
    Suite(
        "scale",
        "make scale-test",
        25.0,
        ("docker-compose.scale.yml", "docker-compose.worker.yml", "infra/haproxy/", "ml/compute/"),
    ),
)


def changed_files() -> list[str]:
    """Files of the latest commits; all of them where history is too short to tell."""
    log = subprocess.run(
        ["git", "log", f"-{RECENT_COMMITS}", "--name-only", "--format="], cwd=ROOT, capture_output=True, text=True
    )
    return sorted(set(log.stdout.split()))


def rotation(suites: Sequence[Suite]) -> list[Suite]:
    """The suites, beginning with another one for each number of commits."""
    count = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    start = int(count.stdout or 0) % len(suites) if suites else 0
    return [*suites[start:], *suites[:start]]


def in_order(suites: Sequence[Suite], changed: Iterable[str]) -> list[Suite]:
    """Long suites that cover changed files, most changes first; then the others in rotation."""
    files = list(changed)
    hits = {suite.name: sum(file.startswith(suite.covers) for file in files) for suite in suites}
    covering = sorted((suite for suite in suites if hits[suite.name]), key=lambda suite: -hits[suite.name])
    return [*covering, *rotation([suite for suite in suites if not hits[suite.name]])]


def plan(budget: float, changed: Iterable[str], everything: bool = False) -> list[Suite]:
    """The suites to run in their order; a long one stands in for the short one that it contains."""
    chosen: list[Suite] = []
    left = budget - sum(suite.minutes for suite in ALWAYS)
    for suite in in_order(LONG, changed):
        cost = suite.minutes - sum(short.minutes for short in ALWAYS if short.name == suite.replaces)
        if everything or cost <= left:
            chosen.append(suite)
            left -= cost
    replacing = {suite.replaces: suite for suite in chosen if suite.replaces}
    return [replacing.get(suite.name, suite) for suite in ALWAYS] + [suite for suite in chosen if not suite.replaces]


def run(suite: Suite) -> Outcome:
    """Run a suite; its output passes through."""
    print(f"\n##### {suite.name}: {suite.command}", flush=True)
    begun = time.monotonic()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with subprocess.Popen(
        ["bash", "-c", suite.command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if summary := _SUMMARY.search(line):
                for number, kind in _COUNT.findall(summary[1]):
                    counts["failed" if kind.startswith("error") else kind] += int(number)
    minutes = (time.monotonic() - begun) / 60
    print(f"##### {suite.name}: {'passed' if not process.returncode else 'FAILED'} in {minutes:.1f} min", flush=True)
    return Outcome(suite, minutes, **counts, status=process.returncode)


def run_all(suites: Sequence[Suite], budget: float, everything: bool) -> tuple[list[Outcome], list[Suite]]:
    """Run suites until one fails (with `everything`: run all of them); returns outcomes and the suites left out.

    A suite beyond those that always run is left out when it would not end within the budget.
    """
    begun, outcomes, left_out = time.monotonic(), [], []
    always = {suite.name for suite in ALWAYS}
    for suite in suites:
        spent = (time.monotonic() - begun) / 60
        expected = sum(outcome.suite.minutes for outcome in outcomes)
        slowdown = max(1.0, spent / expected) if expected else 1.0
        candidate = suite
        if not everything and spent + suite.minutes * slowdown + MARGIN_MINUTES > budget:
            short = next((short for short in ALWAYS if short.name == suite.replaces), None)
            if suite.name not in always:
                left_out.append(suite)
                if short is None:
                    continue
                candidate = short
        outcomes.append(run(candidate))
        if outcomes[-1].status and not everything:
            break
    return outcomes, left_out


def report(outcomes: Sequence[Outcome], left_out: Sequence[Suite]) -> None:
    """Print which suites ran and which did not, and last of all the line that counts."""
    print("\nSuites that ran:")
    for outcome in outcomes:
        word = "FAILED" if outcome.status else "passed"
        print(
            f"  {outcome.suite.name:24} {word}  {outcome.minutes:5.1f} min  "
            f"{outcome.passed} passed, {outcome.failed} failed"
        )
    ran = {outcome.suite.name for outcome in outcomes} | {outcome.suite.replaces for outcome in outcomes}
    missing = [suite for suite in (*ALWAYS, *LONG) if suite.name not in ran]
    if missing:
        print("Suites that did not run: " + ", ".join(suite.name for suite in missing))
    if left_out:
        print("Left out for want of time: " + ", ".join(suite.name for suite in left_out))
    failed = sum(outcome.failed for outcome in outcomes) + sum(bool(o.status and not o.failed) for o in outcomes)
    passed, skipped = (sum(getattr(outcome, kind) for outcome in outcomes) for kind in ("passed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")


def write_result(outcomes: Sequence[Outcome]) -> None:
    """Put the table of a complete run into ``docs/testing.md``."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    rows = "".join(
        f"| {o.suite.name} | {o.passed} | {o.failed} | {o.skipped} | {o.minutes:.1f} min |\n" for o in outcomes
    )
    block = (
        f"{BEGIN}\n{datetime.now(UTC):%Y-%m-%d}, commit {commit.strip()}:\n\n"
        f"| suite | passed | failed | skipped | time |\n|---|---|---|---|---|\n{rows}{END}"
    )
    text = RESULTS.read_text()
    RESULTS.write_text(re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: block, text, flags=re.S))


def main() -> int:
    """Plan, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="run every suite and write docs/testing.md")
    parser.add_argument("--minutes", type=float, default=58.0, help="the budget (default: %(default)s)")
    parser.add_argument("--plan", action="store_true", help="print the plan and end")
    options = parser.parse_args()
    suites = plan(options.minutes, changed_files(), options.all)
    print("Plan: " + ", ".join(suite.name for suite in suites), flush=True)
    if options.plan:
        return 0
    outcomes, left_out = run_all(suites, options.minutes, options.all)
    if options.all:
        write_result(outcomes)
    report(outcomes, left_out)
    return int(any(outcome.status for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
