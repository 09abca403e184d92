"""What a report measures: figures, curves, subgroups, importance, missing fields."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.core.errors import BundleError
from ml.evaluation.bootstrap import evaluate
from ml.evaluation.metrics import ALL_METRICS, point_metrics
from ml.report.analysis.analyse import analyse
from ml.report.analysis.curves import GRID, THRESHOLDS, curves
from ml.report.analysis.importance import importance
from ml.report.analysis.sampling import of_some_patients
from ml.report.analysis.subgroups import FACTORS, MIN_POSITIVES, MIN_ROWS, REMAINING, subgroups
from ml.report.card import card
from ml.report.findings import Findings, Judged, from_json, to_json
from ml.schema import INPUTS, Group
from tests.unit.ml.report.origin import PROVENANCE, SAMPLES


def test_findings_survive_being_kept_as_text(findings: Findings) -> None:
    assert from_json(to_json(findings)) == findings


def test_a_figure_that_cannot_be_had_survives_too(findings: Findings) -> None:
    unknown = {"value": float("nan"), "low": float("nan"), "high": float("nan")}
    kept = from_json(to_json(replace(findings, metrics={**findings.metrics, "calibration_slope": unknown})))

    assert np.isnan(kept.metrics["calibration_slope"]["value"])
    assert "–" in card(kept)


@pytest.mark.parametrize("text", ["", "{}", '{"provenance": 1}'])
def test_findings_of_another_shape_are_told_in_one_sentence(text: str) -> None:
    with pytest.raises(BundleError, match=r"^The report of the version cannot be read: [^\n]+\.$"):
        from_json(text)


def test_every_metric_has_its_figure_and_interval(findings: Findings, judged: Judged) -> None:
    expected = point_metrics(judged.labels, judged.probabilities)

    assert set(findings.metrics) == set(findings.without_history) == set(findings.reference_metrics) == set(ALL_METRICS)
    assert {name: figure["value"] for name, figure in findings.metrics.items()} == pytest.approx(expected)


def test_figures_that_are_known_already_are_not_measured_again(judged: Judged, train_table: pd.DataFrame) -> None:
    known = evaluate(judged.labels, judged.probabilities, judged.patients, SAMPLES)
    marked = {**known, "auroc": {"value": 0.5, "low": 0.4, "high": 0.6}}

    assert analyse(judged, train_table, PROVENANCE, marked).metrics["auroc"] == marked["auroc"]


def test_the_area_under_the_roc_curve_is_the_auroc(judged: Judged) -> None:
    roc = curves(judged, SAMPLES).roc

    assert np.trapezoid(roc.y, roc.x) == pytest.approx(
        point_metrics(judged.labels, judged.probabilities)["auroc"], abs=2e-3
    )


def test_curves_lie_within_their_bands(judged: Judged) -> None:
    found = curves(judged, SAMPLES)

    for band in (found.roc, found.gains, found.benefit, found.calibration):
        inside = [low - 0.02 <= y <= high + 0.02 for y, low, high in zip(band.y, band.low, band.high, strict=True)]
        assert all(inside)


def test_the_gains_at_a_tenth_are_the_sensitivity_of_the_top_tenth(judged: Judged) -> None:
    gains = curves(judged, SAMPLES).gains
    expected = point_metrics(judged.labels, judged.probabilities)["sensitivity_top_10"]

    assert np.interp(0.1, gains.x, gains.y) == pytest.approx(expected, abs=1e-6)


def test_net_benefit_is_what_a_count_by_hand_gives(judged: Judged) -> None:
    found = curves(judged, SAMPLES)
    for position in (0, 17, len(THRESHOLDS) - 1):
        threshold = THRESHOLDS[position]
        acted = judged.probabilities >= threshold
        right, wrong = (acted & (judged.labels == 1)).sum(), (acted & (judged.labels == 0)).sum()
        by_hand = (right - wrong * threshold / (1 - threshold)) / len(judged.labels)

        assert found.benefit.y[position] == pytest.approx(by_hand, abs=1e-6)


def test_a_perfect_model_has_a_perfect_curve(judged: Judged) -> None:
    oracle = replace(judged, probabilities=judged.labels.astype(np.float64))
    found = curves(oracle, SAMPLES)

    assert found.roc.y[1:] == (1.0,) * (len(GRID) - 1)
    assert set(found.precision_recall.y) == {1.0}


def test_the_histogram_counts_every_encounter_once(judged: Judged) -> None:
    found = curves(judged, SAMPLES)

    assert sum(found.returned) == judged.labels.sum()
    assert sum(found.returned) + sum(found.stayed_out) == len(judged.labels)


def test_the_levels_of_a_factor_make_up_all_encounters(judged: Judged) -> None:
    rows = subgroups(judged, SAMPLES)

    for factor in FACTORS:
        levels = [row for row in rows if row.factor == factor]
        assert sum(row.rows for row in levels) == len(judged.labels)
        assert sum(row.positives for row in levels) == judged.labels.sum()
        assert len({row.level for row in levels}) == len(levels)


def test_a_level_with_too_little_is_pooled_and_never_judged_alone(judged: Judged) -> None:
    rows = subgroups(judged, SAMPLES)

    assert all(row.level == REMAINING or (row.rows >= MIN_ROWS and row.positives >= MIN_POSITIVES) for row in rows)
    assert all((row.auroc is None) == (row.rows < MIN_ROWS or row.positives < MIN_POSITIVES) for row in rows)


def test_first_and_repeat_encounters_are_told_apart_by_the_past(judged: Judged) -> None:
    first = next(row for row in subgroups(judged, SAMPLES) if row.level == "First encounter")

    assert first.rows == (judged.table["earlier_stays"] == 0).sum() == len(np.unique(judged.patients))


def test_the_field_that_a_model_rests_on_is_the_most_important(judged: Judged) -> None:
    """A model of one field loses all of its ranking with it, and nothing with any other."""

    def by_stays(table: pd.DataFrame) -> np.ndarray:
        return 0.05 + table["number_inpatient"].to_numpy(dtype=np.float64) / 100

    groups, fields, _ = importance(replace(judged, answers=by_stays, probabilities=by_stays(judged.table)), SAMPLES)

    assert (groups[0].label, fields[0].label) == (Group.UTILISATION.value, "Inpatient stays")
    assert groups[0].auroc["value"] == fields[0].auroc["value"] > 0.01
    assert all(loss.auroc["value"] == 0 for loss in (*groups[1:], *fields[1:]))


def test_every_group_of_inputs_has_its_importance(findings: Findings) -> None:
    assert {row.label for row in findings.group_importance} == {column.group.value for column in INPUTS}
    assert sum(row.fields for row in findings.group_importance) == len(INPUTS)


def test_a_part_of_the_patients_holds_all_of_their_encounters(judged: Judged) -> None:
    part = of_some_patients(judged, 500)
    inside = np.isin(judged.patients, part.patients)

    assert 500 <= len(part.labels) == inside.sum() < 600
    assert of_some_patients(judged, 10**6) is judged


def test_a_model_that_is_told_nothing_ranks_like_chance(findings: Findings) -> None:
    by_label = {row.label: row for row in findings.robustness}

    assert by_label["Everything"].auroc == findings.metrics["auroc"]
    assert [row.hidden for row in findings.robustness if row.hidden is not None] == [0.0, 0.25, 0.5, 0.75, 0.9]
    assert by_label["10 % of the fields, at random"].auroc["value"] < by_label["Everything"].auroc["value"]
