"""Times and outcomes of a simulation, without a service."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.simulation.simulate import Plan, known_outcomes, spread

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
COUNTS = st.integers(1, 200)
DAYS = st.integers(1, 365)


@given(DAYS, COUNTS)
def test_predictions_are_spread_evenly_over_the_days_up_to_now(days: int, count: int) -> None:
    moments = spread(NOW, days, count)

    assert len(moments) == count
    assert moments == sorted(moments)
    assert NOW - timedelta(days=days) < moments[0]
    assert moments[-1] < NOW


@given(st.lists(st.booleans(), min_size=1, max_size=60), DAYS, st.floats(0, 1), st.integers(0, 5))
def test_only_known_outcomes_are_reported(positives: list[bool], days: int, never_reported: float, seed: int) -> None:
    ids = [str(place) for place in range(len(positives))]
    moments = dict(zip(ids, spread(NOW, days, len(positives)), strict=True))
    plan = Plan(len(positives), days, seed=seed, never_reported=never_reported)
    reported = known_outcomes(NOW, moments, positives, 30, plan)

    for outcome in reported:
        moment, positive = moments[outcome["request_id"]], positives[int(outcome["request_id"])]
        after = (date.fromisoformat(outcome["known_on"]) - moment.date()).days
        assert outcome["readmitted_within_30_days"] == positive
        assert 1 <= after <= 30 if positive else after == 30
        assert after <= (NOW - moment).days + 1
    if never_reported == 0:
        matured = {name for name, moment in moments.items() if NOW - moment >= timedelta(days=30)}
        assert matured <= {outcome["request_id"] for outcome in reported}


def test_a_share_of_the_outcomes_is_never_reported() -> None:
    count = 2_000
    moments = {str(place): NOW - timedelta(days=40) for place in range(count)}
    reported = known_outcomes(NOW, moments, [False] * count, 30, Plan(count, 40, never_reported=0.25))

    assert len(reported) / count == pytest.approx(0.75, abs=0.03)
