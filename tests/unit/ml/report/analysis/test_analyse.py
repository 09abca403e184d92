"""Analysis of a version: metrics, curves, subgroups, importance, missing fields."""

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
from ml.report.analysis.scored_test_set import ScoredTestSet
from ml.report.analysis.subgroups import FACTORS, MIN_POSITIVES, MIN_ROWS, REMAINING, subgroups
from ml.report.card import card
from ml.report.findings import Findings, from_json, to_json
from ml.schema import INPUTS, Group
from tests.unit.ml.report.provenance import PROVENANCE, SAMPLES


def test_findings_round_trip_through_json(findings: Findings) -> None:
    assert from_json(to_json(findings)) == findings


def test_an_undefined_metric_round_trips_through_json(findings: Findings) -> None:
    unknown = {"value": float("nan"), "low": float("nan"), "high": float("nan")}
    loaded = from_json(to_json(replace(findings, metrics={**findings.metrics, "calibration_slope": unknown})))

    assert np.isnan(loaded.metrics["calibration_slope"]["value"])
    assert "–" in card(loaded)


@pytest.mark.parametrize("text", ["", "{}", '{"provenance": 1}'])
def test_invalid_findings_raise_a_bundle_error(text: str) -> None:
    with pytest.raises(BundleError, match=r"^The report of the version cannot be read: [^\n]+\.$"):
        from_json(text)


def test_every_metric_has_a_value_and_an_interval(findings: Findings, scored: ScoredTestSet) -> None:
    expected = point_metrics(scored.labels, scored.probabilities)

    assert set(findings.metrics) == set(findings.without_history) == set(findings.reference_metrics) == set(ALL_METRICS)
    assert {name: interval["value"] for name, interval in findings.metrics.items()} == pytest.approx(expected)


def test_known_metrics_are_not_computed_again(scored: ScoredTestSet, train_table: pd.DataFrame) -> None:
    known = evaluate(scored.labels, scored.probabilities, scored.patients, SAMPLES)
    marked = {**known, "auroc": {"value": 0.5, "low": 0.4, "high": 0.6}}

    assert analyse(scored, train_table, PROVENANCE, marked).metrics["auroc"] == marked["auroc"]


def test_the_area_under_the_roc_curve_is_the_auroc(scored: ScoredTestSet) -> None:
    roc = curves(scored, SAMPLES).roc

    assert np.trapezoid(roc.y, roc.x) == pytest.approx(
        point_metrics(scored.labels, scored.probabilities)["auroc"], abs=2e-3
    )


def test_curves_lie_within_their_bands(scored: ScoredTestSet) -> None:
    found = curves(scored, SAMPLES)

    for band in (found.roc, found.gains, found.benefit, found.calibration):
        inside = [low - 0.02 <= y <= high + 0.02 for y, low, high in zip(band.y, band.low, band.high, strict=True)]
        assert all(inside)


def test_the_gains_at_ten_percent_are_the_sensitivity_of_the_top_ten_percent(scored: ScoredTestSet) -> None:
    gains = curves(scored, SAMPLES).gains
    expected = point_metrics(scored.labels, scored.probabilities)["sensitivity_top_10"]

    assert np.interp(0.1, gains.x, gains.y) == pytest.approx(expected, abs=1e-6)


def test_net_benefit_matches_its_definition(scored: ScoredTestSet) -> None:
    found = curves(scored, SAMPLES)
    for position in (0, 17, len(THRESHOLDS) - 1):
        threshold = THRESHOLDS[position]
        acted = scored.probabilities >= threshold
        right, wrong = (acted & (scored.labels == 1)).sum(), (acted & (scored.labels == 0)).sum()
        expected = (right - wrong * threshold / (1 - threshold)) / len(scored.labels)

        assert found.benefit.y[position] == pytest.approx(expected, abs=1e-6)


def test_a_perfect_model_has_a_perfect_curve(scored: ScoredTestSet) -> None:
    oracle = replace(scored, probabilities=scored.labels.astype(np.float64))
    found = curves(oracle, SAMPLES)

    assert found.roc.y[1:] == (1.0,) * (len(GRID) - 1)
    assert set(found.precision_recall.y) == {1.0}


def test_the_histogram_counts_every_encounter_once(scored: ScoredTestSet) -> None:
    found = curves(scored, SAMPLES)

    assert sum(found.returned) == scored.labels.sum()
    assert sum(found.returned) + sum(found.stayed_out) == len(scored.labels)


def test_the_levels_of_a_factor_partition_the_encounters(scored: ScoredTestSet) -> None:
    rows = subgroups(scored, SAMPLES)

    for factor in FACTORS:
        levels = [row for row in rows if row.factor == factor]
        assert sum(row.rows for row in levels) == len(scored.labels)
        assert sum(row.positives for row in levels) == scored.labels.sum()
        assert len({row.level for row in levels}) == len(levels)


def test_small_levels_are_pooled(scored: ScoredTestSet) -> None:
    rows = subgroups(scored, SAMPLES)

    assert all(row.level == REMAINING or (row.rows >= MIN_ROWS and row.positives >= MIN_POSITIVES) for row in rows)
    assert all((row.auroc is None) == (row.rows < MIN_ROWS or row.positives < MIN_POSITIVES) for row in rows)


def test_first_encounters_have_no_earlier_stays(scored: ScoredTestSet) -> None:
    first = next(row for row in subgroups(scored, SAMPLES) if row.level == "First encounter")

    assert first.rows == (scored.table["earlier_stays"] == 0).sum() == len(np.unique(scored.patients))


def test_the_only_field_of_a_model_is_the_most_important(scored: ScoredTestSet) -> None:
    """Permuting any other field changes nothing."""

    def by_stays(table: pd.DataFrame) -> np.ndarray:
        return 0.05 + table["number_inpatient"].to_numpy(dtype=np.float64) / 100

    groups, fields, _ = importance(replace(scored, predict=by_stays, probabilities=by_stays(scored.table)), SAMPLES)

    assert (groups[0].label, fields[0].label) == (Group.UTILISATION.value, "Inpatient stays")
    assert groups[0].auroc["value"] == fields[0].auroc["value"] > 0.01
    assert all(loss.auroc["value"] == 0 for loss in (*groups[1:], *fields[1:]))


def test_every_group_of_inputs_has_an_importance(findings: Findings) -> None:
    assert {row.label for row in findings.group_importance} == {column.group.value for column in INPUTS}
    assert sum(row.fields for row in findings.group_importance) == len(INPUTS)


def test_sampled_patients_have_all_their_encounters(scored: ScoredTestSet) -> None:
    part = scored.sample_patients(500)
    inside = np.isin(scored.patients, part.patients)

    assert 500 <= len(part.labels) == inside.sum() < 600
    assert scored.sample_patients(10**6) is scored


def test_masking_fields_reduces_the_auroc(findings: Findings) -> None:
    by_label = {row.label: row for row in findings.robustness}

    assert by_label["Everything"].auroc == findings.metrics["auroc"]
    assert [row.hidden for row in findings.robustness if row.hidden is not None] == [0.0, 0.25, 0.5, 0.75, 0.9]
    assert by_label["10 % of the fields, at random"].auroc["value"] < by_label["Everything"].auroc["value"]
