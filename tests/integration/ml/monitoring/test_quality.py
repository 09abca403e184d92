"""Realised quality from a real prediction log, and that what is told early does not bias it."""

import numpy as np
import pytest
import sqlalchemy as sa

from ml.core.settings import MlSettings
from ml.evaluation.metrics import Labels, Values, auroc, calibration_intercept
from ml.monitoring.quality import REALISED, Figure, realise
from ml.warehouse.tables import monitor_quality
from tests.integration.ml.databases import count
from tests.integration.ml.monitoring.logged import days_ago, log, run_of_window, tell

World = tuple[MlSettings, sa.Engine]
DAYS = 60
PATIENTS = 6_000


@pytest.fixture
def patients(engine: sa.Engine) -> tuple[Values, Labels]:
    """Calibrated predictions of two months. Each outcome is told on the day it is known; that of a tenth never is."""
    generator = np.random.default_rng(1)
    risks = generator.beta(2, 14, PATIENTS)
    labels = (generator.random(PATIENTS) < risks).astype(np.int64)
    ages = DAYS * (1 - (np.arange(PATIENTS) + 0.5) / PATIENTS)
    known_after = np.where(labels == 1, generator.integers(1, 31, PATIENTS), 30)
    told = (known_after <= ages) & (generator.random(PATIENTS) >= 0.1)
    genders = generator.choice(["Female", "Male"], PATIENTS)
    rows = zip(ages, risks, genders, strict=True)
    log(
        engine,
        *[
            {"predicted_at": days_ago(age), "probability": float(risk), "record": {"gender": gender}}
            for age, risk, gender in rows
        ],
    )
    tell(engine, *[(f"r-{place}", bool(labels[place])) for place in np.flatnonzero(told)])
    return risks, labels


def of(figures: tuple[Figure, ...], metric: str, subgroup: str = "all", *, estimated: bool = False) -> Figure:
    (found,) = (f for f in figures if (f.metric, f.subgroup, f.estimated) == (metric, subgroup, estimated))
    return found


def test_counting_what_is_told_early_biases_upwards_and_maturity_avoids_it(
    world: World, engine: sa.Engine, patients: tuple[Values, Labels]
) -> None:
    with engine.connect() as connection:
        told = connection.execute(
            sa.text("SELECT probability, readmitted_within_30_days AS positive FROM labelled_predictions")
        ).all()
    naive = calibration_intercept(
        np.array([row.positive for row in told], dtype=np.int64), np.array([row.probability for row in told])
    )
    figures = realise(engine, run_of_window(engine), world[0])
    realised = of(figures, "calibration_intercept")
    risks, labels = patients
    truth = calibration_intercept(labels[: PATIENTS // 2], risks[: PATIENTS // 2])  # the older half, told or not

    assert naive > 0.25, "what is known early is nearly all returns"
    assert realised.low is not None
    assert realised.high is not None
    assert realised.low < truth < realised.high
    assert realised.records == pytest.approx(0.9 * PATIENTS / 2, rel=0.03)
    assert realised.coverage == pytest.approx(0.9, abs=0.02)


def test_figures_are_near_those_of_all_patients_and_so_is_the_estimate(
    world: World, engine: sa.Engine, patients: tuple[Values, Labels]
) -> None:
    risks, labels = patients
    figures = realise(engine, run_of_window(engine), world[0])
    found, promised = of(figures, "auroc"), of(figures, "auroc", estimated=True)

    assert found.value == pytest.approx(auroc(labels, risks), abs=0.03)
    assert promised.value == pytest.approx(auroc(labels, risks), abs=0.03)
    assert promised.records == pytest.approx(PATIENTS * 7 / DAYS, rel=0.02)
    assert {f.subgroup for f in figures} == {"all", "gender=Female", "gender=Male"}
    parts = [of(figures, "auroc", f"gender={gender}") for gender in ("Female", "Male")]
    assert sum(part.records for part in parts) == found.records


def test_what_is_found_is_in_the_table_and_doing_it_again_replaces_it(
    world: World, engine: sa.Engine, patients: tuple[Values, Labels]
) -> None:
    run = run_of_window(engine)
    realise(engine, run, world[0])
    figures = realise(engine, run, world[0])
    with engine.connect() as connection:
        rows = connection.execute(sa.select(monitor_quality)).mappings().all()

    assert {row["run_id"] for row in rows} == {run}
    kept = {(row["subgroup"], row["metric"], row["estimated"]): row for row in rows}
    assert len(kept) == len(figures) == 3 * len(REALISED) + 3
    for figure in figures:
        row = kept[figure.subgroup, figure.metric, figure.estimated]
        assert (row["value"], row["low"], row["high"]) == (figure.value, figure.low, figure.high)
        assert (row["records"], row["positives"], row["coverage"]) == (
            figure.records,
            figure.positives,
            figure.coverage,
        )


def test_versions_are_measured_apart_and_one_that_knows_too_little_has_no_figures(
    world: World, engine: sa.Engine, patients: tuple[Values, Labels]
) -> None:
    log(engine, *[{"model_version": "2", "request_id": f"two-{place}"} for place in range(50)])
    tell(engine, *[(f"two-{place}", place < 5) for place in range(20)])
    figures = realise(engine, run_of_window(engine), world[0])
    second = [figure for figure in figures if figure.model_version == "2"]

    assert {figure.model_version for figure in figures} == {"1", "2"}
    assert {figure.value for figure in second} == {None}
    assert {(figure.records, figure.positives, figure.coverage) for figure in second} == {(20, 5, 0.4)}


def test_with_young_predictions_alone_there_is_an_estimate_and_nothing_else(world: World, engine: sa.Engine) -> None:
    risks = np.random.default_rng(1).beta(2, 14, 1_000)
    log(engine, *[{"predicted_at": days_ago(2), "probability": float(risk)} for risk in risks])
    log(engine, {"predicted_at": days_ago(2), "load_test": True}, {"predicted_at": days_ago(9)})
    tell(engine, ("r-0", True))
    figures = realise(engine, run_of_window(engine), world[0])

    assert {figure.estimated for figure in figures} == {True}
    assert {figure.records for figure in figures} == {1_000}
    assert of(figures, "brier", estimated=True).value == pytest.approx(float(np.mean(risks * (1 - risks))), abs=1e-6)


def test_an_empty_log_leaves_an_empty_table(world: World, engine: sa.Engine) -> None:
    assert realise(engine, run_of_window(engine), world[0]) == ()
    assert count(engine, "monitor_quality") == 0
