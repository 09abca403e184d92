"""When a backup and a verification are due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.backup.errors import BackupError
from infra.backup.schedule import RETRY, Schedule, is_backup_due, is_verification_due
from infra.backup.status import SUCCESS, VERIFIED

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours_ago", "due"),
    [(1, False), (9, False), (10, True), (24, True), (240, True)],
)
def test_a_backup_is_due_when_none_was_made_since_the_time_of_day(hours_ago: int, due: bool) -> None:
    last = (NOON - timedelta(hours=hours_ago)).timestamp()
    assert is_backup_due(NOON, "02:30", last) is due


def test_a_first_backup_is_due_at_once() -> None:
    assert is_backup_due(NOON, "13:00", None)


@given(at=st.times(), start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)))  # noqa: DTZ001 - given a zone below
def test_in_every_day_one_backup_becomes_due(at: object, start: datetime) -> None:
    text, now, last, made = f"{at:%H:%M}", start.replace(tzinfo=UTC), start.replace(tzinfo=UTC).timestamp(), 0
    for _ in range(3 * 24 * 4):
        now += timedelta(minutes=15)
        if is_backup_due(now, text, last):
            last, made = now.timestamp(), made + 1
    assert made == 3


def test_a_verification_is_due_after_a_week_and_never_without_a_backup() -> None:
    week = NOON - timedelta(days=7)
    assert not is_verification_due(NOON, {})
    assert is_verification_due(NOON, {SUCCESS: 0})
    assert is_verification_due(NOON, {SUCCESS: 0, VERIFIED: week.timestamp()})
    assert not is_verification_due(NOON, {SUCCESS: 0, VERIFIED: week.timestamp() + 60})


def test_a_failed_backup_is_tried_again_later_and_its_reason_is_reported() -> None:
    tried: list[datetime] = []
    said: list[str] = []
    now = NOON

    def fail() -> None:
        tried.append(now)
        raise BackupError("The disk is full.")

    schedule = Schedule("02:30", dict, fail, lambda: None, said.append)
    while now < NOON + 2 * RETRY:
        schedule.run_due(now)
        now += timedelta(minutes=1)
    assert tried == [NOON, NOON + RETRY]
    assert "The disk is full." in said[0]
