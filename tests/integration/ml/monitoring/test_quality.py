"""Realised quality from a real prediction log, without bias by early outcomes."""

import numpy as np
import pytest
import sqlalchemy as sa

from ml.core.settings import MlSettings
from ml.evaluation.metrics import Labels, Values, auroc, calibration_intercept
from ml.monitoring.matured_predictions import read_matured_predictions
from ml.monitoring.quality import REALISED, QualityMetric, measure_quality
from ml.warehouse.tables import monitor_quality, monitor_runs
from tests.integration.ml.databases import count
from tests.integration.ml.monitoring.prediction_log import days_ago, insert_run, log_predictions, report_outcomes

World = tuple[MlSettings, sa.Engine]
DAYS = 60
PATIENTS = 6_000


@pytest.fixture
def patients(engine: sa.Engine) -> tuple[Values, Labels]:
    """Calibrated predictions of two months. Outcomes are reported when known; 10 % are never reported."""
    generator = np.random.default_rng(1)
    risks = generator.beta(2, 14, PATIENTS)
    labels = (generator.random(PATIENTS) < risks).astype(np.int64)
    ages = DAYS * (1 - (np.arange(PATIENTS) + 0.5) / PATIENTS)
    known_after = np.where(labels == 1, generator.integers(1, 31, PATIENTS), 30)
    reported = (known_after <= ages) & (generator.random(PATIENTS) >= 0.1)
    genders = generator.choice(["Female", "Male"], PATIENTS)
    rows = zip(ages, risks, genders, strict=True)
    log_predictions(
        engine,
        *[
            {"predicted_at": days_ago(age), "probability": float(risk), "record": {"gender": gender}}
            for age, risk, gender in rows
        ],
    )
    report_outcomes(engine, *[(f"r-{place}", bool(labels[place])) for place in np.flatnonzero(reported)])
    return risks, labels


def of(metrics: list[QualityMetric], metric: str, subgroup: str = "all", *, estimated: bool = False) -> QualityMetric:
    (found,) = (f for f in metrics if (f.metric, f.subgroup, f.estimated) == (metric, subgroup, estimated))
    return found


def test_early_outcomes_bias_the_calibration_and_maturity_avoids_it(
    world: World, engine: sa.Engine, patients: tuple[Values, Labels]
) -> None:
    with engine.connect() as connection:
        reported = connection.execute(
            sa.text("SELECT probability, readmitted_within_30_days AS positive FROM labelled_predictions")
        ).all()
    naive = calibration_intercept(
        np.array([row.positive for row in reported], dtype=np.int64), np.array([row.probability for row in reported])
    )
    metrics = measure_quality(engine, insert_run(engine), world[0])
    realised = of(metrics, "calibration_intercept")
    risks, labels = patients
    truth = calibration_intercept(labels[: PATIENTS // 2], risks[: PATIENTS // 2])  # the older half, reported or not

    assert naive > 0.25, "early outcomes are nearly all positive"
    assert realised.low is not None
    assert realised.high is not None
    assert realised.low < truth < realised.high
    assert realised.records == pytest.approx(0.9 * PATIENTS / 2, rel=0.03)
    assert realised.coverage == pytest.approx(0.9, abs=0.02)


def test_realised_and_estimated_quality_are_near_the_true_quality(
    world: World, engine: sa.Engine, patients: tuple[Values, Labels]
) -> None:
    risks, labels = patients
    metrics = measure_quality(engine, insert_run(engine), world[0])
    found, promised = of(metrics, "auroc"), of(metrics, "auroc", estimated=True)

    assert found.value == pytest.approx(auroc(labels, risks), abs=0.03)
    assert promised.value == pytest.approx(auroc(labels, risks), abs=0.03)
    assert promised.records == pytest.approx(PATIENTS * 7 / DAYS, rel=0.02)
    assert {f.subgroup for f in metrics} == {"all", "gender=Female", "gender=Male"}
    parts = [of(metrics, "auroc", f"gender={gender}") for gender in ("Female", "Male")]
    assert sum(part.records for part in parts) == found.records


def test_metrics_are_stored_and_a_second_measurement_replaces_them(
    world: World, engine: sa.Engine, patients: tuple[Values, Labels]
) -> None:
    run = insert_run(engine)
    measure_quality(engine, run, world[0])
    metrics = measure_quality(engine, run, world[0])
    with engine.connect() as connection:
        rows = connection.execute(sa.select(monitor_quality)).mappings().all()

    assert {row["run_id"] for row in rows} == {run}
    stored = {(row["subgroup"], row["metric"], row["estimated"]): row for row in rows}
    assert len(stored) == len(metrics) == 3 * len(REALISED) + 3
    for metric in metrics:
        row = stored[metric.subgroup, metric.metric, metric.estimated]
        assert (row["value"], row["low"], row["high"]) == (metric.value, metric.low, metric.high)
        assert (row["records"], row["positives"], row["coverage"]) == (
            metric.records,
            metric.positives,
            metric.coverage,
        )


def test_an_old_run_is_measured_again_on_the_predictions_that_were_mature_then(
    world: World, engine: sa.Engine, patients: tuple[Values, Labels]
) -> None:
    run = insert_run(engine)
    with engine.begin() as connection:
        connection.execute(monitor_runs.update().values(window_end=days_ago(20)))
    found = of(measure_quality(engine, run, world[0]), "auroc")

    assert found.records == pytest.approx(0.9 * PATIENTS * (DAYS - 20 - 30) / DAYS, rel=0.06)


def test_versions_are_measured_separately_and_too_few_outcomes_give_no_value(
    world: World, engine: sa.Engine, patients: tuple[Values, Labels]
) -> None:
    log_predictions(engine, *[{"model_version": "2", "request_id": f"two-{place}"} for place in range(50)])
    report_outcomes(engine, *[(f"two-{place}", place < 5) for place in range(20)])
    metrics = measure_quality(engine, insert_run(engine), world[0])
    second = [metric for metric in metrics if metric.model_version == "2"]

    assert {metric.model_version for metric in metrics} == {"1", "2"}
    assert {metric.value for metric in second} == {None}
    assert {(metric.records, metric.positives, metric.coverage) for metric in second} == {(20, 5, 0.4)}


def test_an_outcome_dated_before_its_prediction_is_unknown(world: World, engine: sa.Engine) -> None:
    log_predictions(engine, *[{"probability": 0.1} for _ in range(10)])  # 40 days ago
    report_outcomes(engine, *[(f"r-{place}", True) for place in range(4)], known_on=days_ago(42).date())
    report_outcomes(engine, *[(f"r-{place}", False) for place in range(4, 6)], known_on=days_ago(40).date())
    (matured,) = read_matured_predictions(engine, world[0])

    assert (int(matured.known.sum()), int(matured.labels.sum()), len(matured)) == (2, 0, 10)


def test_recent_predictions_have_an_estimate_only(world: World, engine: sa.Engine) -> None:
    risks = np.random.default_rng(1).beta(2, 14, 1_000)
    log_predictions(engine, *[{"predicted_at": days_ago(2), "probability": float(risk)} for risk in risks])
    log_predictions(engine, {"predicted_at": days_ago(2), "load_test": True}, {"predicted_at": days_ago(9)})
    report_outcomes(engine, ("r-0", True))
    metrics = measure_quality(engine, insert_run(engine), world[0])

    assert {metric.estimated for metric in metrics} == {True}
    assert {metric.records for metric in metrics} == {1_000}
    assert of(metrics, "brier", estimated=True).value == pytest.approx(float(np.mean(risks * (1 - risks))), abs=1e-6)


def test_an_encounter_that_was_scored_before_the_window_counts_in_it_once(world: World, engine: sa.Engine) -> None:
    again = [{"encounter": str(number), "probability": 0.5} for number in range(100)]
    log_predictions(engine, *[{**one, "predicted_at": days_ago(age)} for age in (20, 3, 2) for one in again])

    assert of(measure_quality(engine, insert_run(engine), world[0]), "brier", estimated=True).records == 100


def test_an_empty_log_gives_no_metrics(world: World, engine: sa.Engine) -> None:
    assert measure_quality(engine, insert_run(engine), world[0]) == []
    assert count(engine, "monitor_quality") == 0
