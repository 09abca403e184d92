"""A policy: which records it flags, and what is not a policy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ml.core.policies.policy import Policy, PolicyChange


@given(threshold=st.integers(1, 999), risk=st.floats(0, 1, width=32))
def test_a_record_is_flagged_if_its_printed_risk_is_at_or_above_the_threshold(threshold: int, risk: float) -> None:
    policy = Policy(name="calls", threshold=threshold / 1000)
    printed = float(str(np.float32(risk)))

    assert policy.flags(np.array([risk], np.float32), [None]) == [printed >= policy.threshold]


@pytest.mark.parametrize("step", range(1, 1000, 37))
def test_a_risk_that_is_printed_like_the_threshold_is_flagged(step: int) -> None:
    policy = Policy(name="calls", threshold=step / 1000)

    assert policy.flags(np.array([step / 1000], np.float32), [None]) == [True]


def test_a_record_outside_the_population_is_neither_flagged_nor_not() -> None:
    policy = Policy(name="calls", threshold=0.2)

    assert policy.flags(np.array([0.9, 0.9, 0.1], np.float32), ["died", None, None]) == [None, True, False]


@pytest.mark.parametrize("threshold", [0, 1, -0.1, 1.5, float("nan"), float("inf"), "much"])
def test_a_threshold_is_between_0_and_1(threshold: object) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate({"name": "calls", "threshold": threshold})


@pytest.mark.parametrize(
    "change", [{"actor": ""}, {"actor": "  "}, {"reason": ""}, {"reason": "a\nb"}, {"more": 1}, {"reason": "x" * 501}]
)
def test_a_change_says_who_and_why(change: dict[str, object]) -> None:
    valid = {"policy": None, "actor": "R. Diaz", "reason": "because"}
    PolicyChange.model_validate(valid)
    with pytest.raises(ValidationError):
        PolicyChange.model_validate(valid | change)
