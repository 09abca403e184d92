"""The acceptance limits: ranges, and the results that they apply to."""

from typing import Any

import pytest

from ml.evaluation.acceptance import ANY, LIMITS, SERVED, Limit, check_limits
from ml.evaluation.metrics import ALL_METRICS


@pytest.mark.parametrize(
    ("value", "met"), [(0.949, False), (0.95, True), (1.05, True), (1.051, False), (float("nan"), False)]
)
def test_a_limit_is_met_within_its_range_only(value: float, met: bool) -> None:
    assert Limit("candidates", SERVED, True, "calibration_slope", 0.95, 1.05).is_met(value) is met


def test_limits_are_written_as_ranges() -> None:
    texts = {str(limit) for limit in LIMITS}

    assert texts >= {"≥ 0.69", "≥ 0.243", "≤ 0.006", "≤ 0.008", "0.95 to 1.05"}


def test_a_limit_applies_to_the_served_family_a_named_one_or_any() -> None:
    def summary(name: str, value: float) -> dict[str, Any]:
        metrics = dict.fromkeys(ALL_METRICS, value)
        return {"candidate": name, "name": name, "history": False, "mean": metrics, "se": metrics}

    candidates = [summary("random_forest", 0.6780), summary("blend", 0.6810)]
    incomplete = [{**summary("a", 0.007), "candidate": None, "condition": c, "name": c} for c in ("one", "two")]
    checked = check_limits("blend", {"candidates": candidates, "missing_fields": incomplete, "control": []})

    aurocs = {(g["who"], g["wanted"]): g["met"] for g in checked if g["metric"] == "auroc"}
    assert aurocs == {("blend", "≥ 0.682"): False, ("random_forest", "≥ 0.678"): True}
    assert [g["who"] for g in checked if g["wanted"] == "≤ 0.008"] == ["one", "two"]
    assert ANY not in {g["who"] for g in checked}
