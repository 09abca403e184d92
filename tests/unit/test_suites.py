"""CI's choice of suites: what always runs, what runs first, and that the budget holds."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support import suites

FILES = (
    "ui/app.py",
    "api/app.py",
    "docker-compose.yml",
    "docs/api.md",
    "infra/grafana/build.py",
    "ml/core/errors.py",
)


@given(budget=st.floats(0, 120), changed=st.lists(st.sampled_from(FILES)))
def test_every_plan_holds_what_always_runs_and_keeps_to_the_budget(budget: float, changed: list[str]) -> None:
    planned = suites.plan(budget, changed)

    covered = {suite.name for suite in planned} | {suite.replaces for suite in planned}
    assert {suite.name for suite in suites.ALWAYS} <= covered
    always = sum(suite.minutes for suite in suites.ALWAYS)
    assert sum(suite.minutes for suite in planned) <= max(budget, always) + 1e-6


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        ("ui/app.py", "e2e with the interface"),
        ("tests/faults/load.py", "faults"),
        ("docs/clients/requests_client.py", "clients"),
        ("infra/grafana/build.py", "observability"),
        ("docker-compose.yml", "compose"),
    ],
)
def test_the_suite_that_covers_a_changed_file_comes_first(changed: str, first: str) -> None:
    assert next(iter(suites.in_order(suites.LONG, [changed]))).name == first


def test_the_workflow_of_github_runs_every_suite() -> None:
    """A suite that contains another one stands for it."""
    workflow = yaml.safe_load((suites.ROOT / ".github" / "workflows" / "ci.yml").read_text())
    entries = workflow["jobs"]["test"]["strategy"]["matrix"]["include"]
    targets = {target for entry in entries for target in entry["command"].split()}
    targets |= {step["run"].split()[1] for job in workflow["jobs"].values() for step in job["steps"] if _is_make(step)}
    if "test" in targets:
        targets |= {"types", "unit", "integration", "e2e"}
    replaced = {suite.replaces for suite in suites.LONG}

    assert [
        s.name for s in (*suites.ALWAYS, *suites.LONG) if not {s.command.split()[1], s.name} & (targets | replaced)
    ] == []


def _is_make(step: dict[str, str]) -> bool:
    return step.get("run", "").startswith("make ") and "$" not in step["run"]


def test_with_all_every_suite_runs() -> None:
    planned = suites.plan(0, [], everything=True)

    names = {suite.name for suite in planned} | {suite.replaces for suite in planned}
    assert names >= {suite.name for suite in (*suites.ALWAYS, *suites.LONG)}


def test_a_long_suite_that_would_not_end_in_time_gives_way_to_the_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(suite: object) -> object:
        ran.append(suite.name)  # type: ignore[attr-defined]
        return suites.Outcome(suite, 1.0, 1, 0, 0, 0)

    monkeypatch.setattr(suites, "run", run)
    planned = suites.plan(500, [], everything=False)
    _, left_out = suites.run_all(planned, 1.0, everything=False)

    assert ran == [suite.name for suite in suites.ALWAYS]
    assert {suite.name for suite in left_out} == {suite.name for suite in suites.LONG}


def test_a_failure_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "run", lambda suite: suites.Outcome(suite, 1.0, 1, 1, 0, 1))

    outcomes, _ = suites.run_all(suites.plan(500, []), 500, everything=False)

    assert len(outcomes) == 1


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("== 12 passed, 1 skipped, 2 warnings in 3.40s ==", {"passed": 12, "skipped": 1}),
        ("1 failed, 831 passed in 900.01s (0:15:00)", {"failed": 1, "passed": 831}),
        ("3 passed, 2 errors in 1.0s", {"passed": 3, "errors": 2}),
    ],
)
def test_the_closing_line_of_pytest_is_counted(line: str, counts: dict[str, int]) -> None:
    found = suites._SUMMARY.search(line)

    assert found is not None
    assert {kind: int(number) for number, kind in suites._COUNT.findall(found[1])} == counts
