"""The demo shows the prediction of the model it has just trained, not of an earlier one."""

from datetime import UTC, datetime

import httpx
import pytest

from infra.local.demo import _serves_production

TRAINED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def response(version: str, registered: str, checked_at: str | None) -> httpx.Response:
    return httpx.Response(200, json={"version": version, "registry": {"version": registered, "checked_at": checked_at}})


def test_the_wait_ends_when_a_later_poll_finds_the_served_version_in_production() -> None:
    assert _serves_production(response("2", "2", "2026-01-02T03:04:06Z"), TRAINED)


@pytest.mark.parametrize(
    "early",
    [
        response("1", "1", "2026-01-02T03:04:04Z"),  # polled before the promotion
        response("1", "2", "2026-01-02T03:04:06Z"),  # polled, not yet loaded
        response("1", "1", None),  # from the cache, not yet polled
        httpx.Response(503, json={"detail": "no production model yet"}),
    ],
)
def test_until_then_the_demo_waits(early: httpx.Response) -> None:
    assert not _serves_production(early, TRAINED)
