"""The comparison of candidate and incumbent, from risks that are right, wrong or unfair by construction."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ml.promotion.comparison import compare, ledger_figures
from ml.promotion.evidence import Candidate, Evidence, Present, Rule
from ml.promotion.rules import ECE_LIMIT, decide
from ml.schema import PATIENT_ID, POSITIVE, TARGET

Answers = NDArray[np.float64]


def table(rows: int, seed: int = 0) -> tuple[pd.DataFrame, Answers]:
    """Encounters with simulated outcomes, two for each patient, and their true risks."""
    generator = np.random.default_rng(seed)
    risks = 1 / (1 + np.exp(-generator.normal(-2.2, 0.6, rows)))
    outcomes = np.where(generator.random(rows) < risks, POSITIVE, "NO")
    races = generator.choice(["Caucasian", "AfricanAmerican", "Asian", None], rows, p=[0.7, 0.2, 0.01, 0.09])
    found = pd.DataFrame({TARGET: outcomes, PATIENT_ID: np.arange(rows) // 2, "gender": "Female", "age": "[70-80)"})
    found["race"] = pd.Series(races, dtype="str")
    return found, risks


@pytest.fixture(scope="module")
def truth() -> tuple[pd.DataFrame, Answers]:
    return table(6_000)


def test_the_true_risks_are_better_than_a_random_ranking_in_every_metric(truth: tuple[pd.DataFrame, Answers]) -> None:
    test, risks = truth
    found = compare(test, risks, np.random.default_rng(1).permutation(risks), 50)

    assert (found.encounters, found.positives) == (6_000, int((test[TARGET] == POSITIVE).sum()))
    assert found.differences["auroc"]["low"] > 0
    assert found.differences["average_precision"]["low"] > 0
    assert found.differences["brier"]["high"] < 0
    assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in found.differences.values())


def test_equal_risks_have_no_differences(truth: tuple[pd.DataFrame, Answers]) -> None:
    found = compare(truth[0], truth[1], truth[1], 50)
    zero = {"value": 0.0, "low": 0.0, "high": 0.0}

    assert set(map(str, found.differences.values())) == {str(zero)}
    assert all(group.auroc == group.miscalibration == zero for group in found.subgroups)


def test_only_large_subgroups_are_compared(truth: tuple[pd.DataFrame, Answers]) -> None:
    names = [group.name for group in compare(truth[0], truth[1], truth[1], 50).subgroups]

    assert names == ["race AfricanAmerican", "race Caucasian", "gender Female", "age [70-80)"]


def test_a_subgroup_with_halved_risks_is_miscalibrated(truth: tuple[pd.DataFrame, Answers]) -> None:
    test, risks = truth
    minority = (test["race"] == "AfricanAmerican").to_numpy(dtype=bool)
    halved = np.where(minority, risks / 2, risks)
    worse = {group.name: group.miscalibration for group in compare(test, halved, risks, 50).subgroups}
    better = {group.name: group.miscalibration for group in compare(test, risks, halved, 50).subgroups}

    assert worse["race AfricanAmerican"]["low"] > 0.3
    assert better["race AfricanAmerican"]["high"] < -0.3
    assert worse["race Caucasian"]["value"] == 0


@pytest.mark.parametrize("rows", [300, 1_500, 8_000])
def test_calibrated_risks_pass_the_limits_however_few_rows_there_are(rows: int) -> None:
    passed = [first(compare(*table(rows, seed), None, 50)) for seed in range(20)]

    assert passed.count(Rule.FIRST) >= 18


def first(found: Evidence) -> Rule:
    version = Candidate("1", "real", "data", "code")
    return decide(version, None, found, Present("data", "code")).rule


def test_doubled_risks_never_pass() -> None:
    for rows in (1_500, 8_000):
        test, risks = table(rows)
        assert first(compare(test, 2 * risks, None, 50)) is Rule.CALIBRATION


def test_the_ceiling_approaches_the_limit_with_more_rows() -> None:
    ceilings = [compare(*table(rows), None, 50).ece_ceiling for rows in (300, 3_000, 60_000)]

    assert ceilings == sorted(ceilings, reverse=True)
    assert ECE_LIMIT < ceilings[-1] < ECE_LIMIT * 1.3


def test_constant_risks_have_no_slope_and_do_not_pass() -> None:
    test, risks = table(3_000)

    assert first(compare(test, np.full(3_000, risks.mean()), None, 50)) is Rule.CALIBRATION


def test_ledger_figures_are_plain_json_with_null_for_nan() -> None:
    test, risks = table(3_000)
    constant = compare(test, np.full(3_000, risks.mean()), risks, 50)
    version = Candidate("2", "real", "data", "code", fault="a fault.")
    figures = ledger_figures(constant, {"candidate": version, "incumbent": None})

    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert figures["calibration"]["calibration_slope"]["value"] is None
    assert figures["candidate"] == {
        "version": "2",
        "data_source": "real",
        "data_version": "data",
        "code_version": "code",
        "fault": "a fault.",
    }
    assert "incumbent" not in figures
    assert ledger_figures(None, {"candidate": version}) == {"candidate": figures["candidate"]}
