"""The demo shows the prediction of the model it has just trained, not of the one before."""

from datetime import UTC, datetime

import httpx
import pytest

from infra.local.demo import _follows_registry

TRAINED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def answer(version: str, registered: str, checked_at: str | None) -> httpx.Response:
    return httpx.Response(200, json={"version": version, "registry": {"version": registered, "checked_at": checked_at}})


def test_a_later_look_that_finds_the_served_version_in_production_ends_the_wait() -> None:
    assert _follows_registry(answer("2", "2", "2026-01-02T03:04:06Z"), TRAINED)


@pytest.mark.parametrize(
    "early",
    [
        answer("1", "1", "2026-01-02T03:04:04Z"),  # before the promotion was seen
        answer("1", "2", "2026-01-02T03:04:06Z"),  # seen, not yet loaded
        answer("1", "1", None),  # from the cache, registry not asked yet
        httpx.Response(503, json={"detail": "no production model yet"}),
    ],
)
def test_until_then_the_demo_waits(early: httpx.Response) -> None:
    assert not _follows_registry(early, TRAINED)
