"""Refused versions are remembered on disk, and retried with growing intervals."""

import time
from pathlib import Path

import pytest

from api.models.refusals import FORGET_SECONDS, MAX_RETRY_SECONDS, RETRY_SECONDS, Refusals, is_due
from api.models.registry_client import RegisteredVersion

SEVEN = RegisteredVersion("model", "7", 1, "m-7")
EIGHT = RegisteredVersion("model", "8", 2, "m-8")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1_800_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    return clock


def test_a_refusal_outlives_the_process(tmp_path: Path, now: list[float]) -> None:
    added = Refusals(tmp_path).add(SEVEN, "bundle", "a loop", "digest")

    assert Refusals(tmp_path).of_version(SEVEN) == added
    assert Refusals(tmp_path).of_version(EIGHT) is None


def test_the_intervals_double_up_to_an_hour_over_restarts(tmp_path: Path, now: list[float]) -> None:
    intervals = []
    for _ in range(9):
        added = Refusals(tmp_path).add(SEVEN, "bundle", "a loop", "digest")
        intervals.append(added.retry_at - now[0])
        assert not is_due(added)
        now[0] = added.retry_at
        assert is_due(added)

    assert intervals[:3] == [RETRY_SECONDS, 2 * RETRY_SECONDS, 4 * RETRY_SECONDS]
    assert intervals[-1] == MAX_RETRY_SECONDS


def test_the_same_files_under_another_number_are_refused_until_it_is_time(tmp_path: Path, now: list[float]) -> None:
    refusals = Refusals(tmp_path)
    added = refusals.add(SEVEN, "bundle", "a loop", "digest")

    assert refusals.of_content("digest") == added
    assert refusals.of_content("another") is None
    now[0] += RETRY_SECONDS
    assert refusals.of_content("digest") is None


def test_a_version_that_passed_is_forgotten_and_so_is_an_old_refusal(tmp_path: Path, now: list[float]) -> None:
    refusals = Refusals(tmp_path)
    refusals.add(SEVEN, "bundle", "a loop", "digest")
    refusals.add(EIGHT, "timeout", "too slow", None)
    refusals.forget(SEVEN)
    assert refusals.of_version(SEVEN) is None
    assert refusals.of_version(EIGHT) is not None

    now[0] += FORGET_SECONDS + MAX_RETRY_SECONDS
    assert refusals.of_version(EIGHT) is None


def test_a_clock_that_was_set_back_delays_no_version(tmp_path: Path, now: list[float]) -> None:
    added = Refusals(tmp_path).add(SEVEN, "bundle", "a loop", "digest")
    now[0] -= 2 * MAX_RETRY_SECONDS

    assert is_due(added)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"registered": {}}]', "null"])
def test_a_damaged_file_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "refused.json").write_text(content)

    assert Refusals(tmp_path).of_version(SEVEN) is None
    assert Refusals(tmp_path).add(SEVEN, "bundle", "a loop", "digest").attempts == 1
