"""Baselines: fitted on training patients, calibrated, and able to predict for every valid record."""

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.baselines import BASELINES, fit_number_inpatient, points_of
from ml.evaluation.clinical_scores import HOSPITAL_FIELDS, LACE_FIELDS, hospital_points, lace_points
from ml.evaluation.metrics import point_metrics
from ml.features.tables import target
from ml.schema import FEATURE_NAMES


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_is_calibrated(name: str, train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    risks = BASELINES[name].fit(train_table)(test_table)

    assert risks.shape == (len(test_table),)
    assert ((risks >= 0) & (risks <= 1)).all()
    assert risks.mean() == pytest.approx(target(test_table).mean(), abs=0.03)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_predicts_for_empty_records(name: str, train_table: pd.DataFrame) -> None:
    blank = train_table.head(20).assign(**{c: train_table[c].head(20).mask([True] * 20) for c in FEATURE_NAMES})

    risks = BASELINES[name].fit(train_table)(blank)
    assert np.ptp(risks) == 0
    assert 0 < risks[0] < 1


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_does_not_use_the_outcome_of_a_test_encounter(
    name: str, train_table: pd.DataFrame, test_table: pd.DataFrame
) -> None:
    predict = BASELINES[name].fit(train_table)

    assert (predict(test_table) == predict(test_table.assign(readmitted="<30"))).all()


def test_every_baseline_but_the_prevalence_ranks_better_than_chance(
    train_table: pd.DataFrame, test_table: pd.DataFrame
) -> None:
    labels = target(test_table)
    ranking = {n: point_metrics(labels, b.fit(train_table)(test_table))["auroc"] for n, b in BASELINES.items()}

    assert ranking.pop("prevalence") == 0.5
    assert min(ranking.values()) > 0.5


def test_risk_never_falls_with_inpatient_stays(train_table: pd.DataFrame) -> None:
    asked = train_table.head(51).assign(number_inpatient=np.arange(51, dtype=np.float32))

    assert (np.diff(fit_number_inpatient(train_table)(asked)) >= 0).all()


def test_an_unknown_number_of_stays_has_the_risk_of_the_cohort(train_table: pd.DataFrame) -> None:
    asked = train_table.head(1).assign(number_inpatient=np.float32("nan"))

    assert fit_number_inpatient(train_table)(asked)[0] == pytest.approx(target(train_table).mean())


def test_points_of_a_table_are_those_of_its_records(test_table: pd.DataFrame) -> None:
    for rule, fields in ((lace_points, LACE_FIELDS), (hospital_points, HOSPITAL_FIELDS)):
        found = points_of(rule, fields, test_table)
        first = {name: value for name, value in test_table.iloc[0].items() if name in fields and pd.notna(value)}

        assert found[0] == rule(first)
        assert found.min() >= 0
        assert found.max() > found.min()
