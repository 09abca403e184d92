"""Repeated splits on a small synthetic cohort: splits, candidates, incomplete records, control and results."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ml.cli.evaluate import read_seeds
from ml.cli.main import app
from ml.data.cohort import Cohort
from ml.evaluation.baselines import BASELINES
from ml.evaluation.metrics import ALL_METRICS
from ml.evaluation.repeated_splits import CONDITIONS, TEST_SHARE, Plan, run, split_by_patient, summarise
from ml.features.tables import patients, target
from tests.unit.ml.tables import cohort

TINY = {"random_forest": {"n_estimators": 10}, "gradient_boosting": {"n_estimators": 10}}
PLAN = Plan((3, 5), TINY, jobs=1, control=True)
TIMINGS = ("seconds", "started_at", "seconds_fit", "seconds_predict")


@pytest.fixture(scope="module")
def small() -> Cohort:
    return Cohort(cohort(2_000, seed=4), "synthetic", "abc")


@pytest.fixture(scope="module")
def steps() -> list[str]:
    return []


@pytest.fixture(scope="module")
def found(small: Cohort, steps: list[str]) -> dict[str, Any]:
    return run(small, PLAN, steps.append)


def without_timings(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: without_timings(value) for name, value in found.items() if name not in TIMINGS}
    return [without_timings(value) for value in found] if isinstance(found, list) else found


@pytest.mark.parametrize("seed", range(4))
def test_no_patient_is_in_train_and_test(small: Cohort, seed: int) -> None:
    train, test = split_by_patient(small.table, seed)

    assert not set(patients(train)) & set(patients(test))
    assert len(train) + len(test) == len(small.table)
    assert len(np.unique(patients(test))) / small.patients == pytest.approx(TEST_SHARE, abs=0.001)


def test_another_seed_is_another_split_and_the_same_seed_the_same(small: Cohort) -> None:
    first, again, other = (split_by_patient(small.table, seed)[1] for seed in (1, 1, 2))

    pd.testing.assert_frame_equal(first, again)
    assert set(patients(first)) != set(patients(other))


def test_a_split_does_not_depend_on_the_order_of_rows(small: Cohort) -> None:
    mixed = small.table.sample(frac=1, random_state=0)

    assert set(patients(split_by_patient(mixed, 6)[1])) == set(patients(split_by_patient(small.table, 6)[1]))


def test_every_candidate_is_evaluated_on_every_split(found: dict[str, Any]) -> None:
    by_name = {(c["candidate"], c["history"]): c for c in found["candidates"]}

    assert set(by_name) == {(f, h) for f in TINY for h in (True, False)} | {(b, False) for b in BASELINES}
    for summary in by_name.values():
        assert [row["seed"] for row in summary["per_seed"]] == [3, 5]
        assert set(ALL_METRICS) | {"ece_floor", "mean_prediction", "observed"} <= set(summary["mean"])


def test_mean_deviation_and_standard_error_are_over_the_seeds(found: dict[str, Any]) -> None:
    for summary in found["candidates"]:
        one, two = (row["brier"] for row in summary["per_seed"])
        assert summary["mean"]["brier"] == pytest.approx((one + two) / 2)
        assert summary["sd"]["brier"] == pytest.approx(abs(one - two) / 2**0.5)
        assert summary["se"]["brier"] == pytest.approx(abs(one - two) / 2)


def test_the_served_family_is_evaluated_with_fields_hidden(found: dict[str, Any]) -> None:
    assert found["served"] == "gradient_boosting"
    assert {(h["condition"], h["history"]) for h in found["missing_fields"]} == {
        (condition, history) for condition in CONDITIONS for history in (True, False)
    }


def test_the_control_learns_nothing(found: dict[str, Any]) -> None:
    (control,) = found["control"]

    assert control["mean"]["auroc"] == pytest.approx(0.5, abs=0.07)  # few positives in so small a test


def test_the_results_describe_data_code_and_splits(found: dict[str, Any], small: Cohort) -> None:
    assert found["data"] == {
        "source": "synthetic",
        "version": "abc",
        "rows": len(small.table),
        "patients": small.patients,
        "prevalence": pytest.approx(target(small.table).mean()),
    }
    assert len(found["code_version"]) == 64
    assert found["families"]["gradient_boosting"]["n_estimators"] == 10
    assert [s["seed"] for s in found["splits"]] == found["seeds"] == [3, 5]
    assert all(s["train_rows"] + s["test_rows"] == len(small.table) for s in found["splits"])


def test_the_results_are_plain_json(found: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_each_step_is_reported_before_it_runs(found: dict[str, Any], steps: list[str]) -> None:
    assert len(steps) == PLAN.steps
    assert steps[0] == "seed 3: RandomForest"
    assert steps[-1] == "seed 5: shuffled labels"


def test_the_same_seeds_give_the_same_metrics(small: Cohort) -> None:
    plan = Plan((3,), {"gradient_boosting": {"n_estimators": 5}}, jobs=1)
    first, again = (without_timings(run(small, plan, lambda _: None)) for _ in range(2))

    assert first == again


def test_a_single_seed_has_no_standard_error() -> None:
    (summary,) = summarise([{"candidate": "x", "history": False, "seed": 1, "auroc": 0.6}], "candidate")

    assert np.isnan(summary["se"]["auroc"])


def test_every_applicable_limit_is_checked(found: dict[str, Any]) -> None:
    checked = {(g["who"], g["history"], g["metric"]) for g in found["goals"]}

    assert {("XGBoost", True, "auroc"), ("RandomForest", False, "auroc")} <= checked
    assert ("shuffled labels", True, "auroc") in checked
    assert {(condition, False, "ece") for condition in CONDITIONS} <= checked


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "give the number of a version, or --protocol"),
        (["7", "--protocol"], "give the number of a version, or --protocol"),
        (["--protocol", "--seeds", "6-0"], "'6-0' is not a list of seeds such as 1,2,3 or 0-19"),
        (["--protocol", "--seeds", "1,x"], "'1,x' is not a list of seeds"),
        (["--protocol", "--seeds", ""], "'' is not a list of seeds"),
        (["--protocol", "--families", "oracle"], "'oracle' is not one of random_forest, gradient_boosting"),
    ],
)
def test_invalid_options_are_reported(options: list[str], sentence: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", *options])

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", (3,)), ("0-6", tuple(range(7))), ("1, 2,9", (1, 2, 9)), ("0-2,2,7", (0, 1, 2, 7))]
)
def test_seeds_are_numbers_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    assert read_seeds(text) == seeds
