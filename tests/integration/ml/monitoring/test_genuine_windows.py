"""Drift tests on windows of genuine test patients: false alarms and detected shifts."""

from collections import Counter
from collections.abc import Callable, Iterator

import pandas as pd
import pytest
import sqlalchemy as sa
from scipy.stats import binom

from bench.drift import CHANGES, SMALL, References, drifted, windows, windows_of_patients
from bench.genuine import bundle_of
from ml.core.settings import MlSettings
from ml.features.masking import mask_fields, mask_groups
from ml.monitoring.drift import FALSE_ALARM_RATE, Kind, run_tests
from ml.schema import Group
from ml.training.models import GRADIENT_BOOSTING, fit
from ml.warehouse.datasets import Dataset, read

SIZE = 1_000
WINDOWS, WINDOWS_OF_PATIENTS = 50, 30
REPEATED, REPEATED_HIDDEN = 10, 6
BY_CONTENT = (Kind.VALUE, Kind.SCORE)

LESS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "half of the fields": lambda table: mask_fields(table, 0.5, seed=1),
    "diagnoses": lambda table: mask_groups(table, (Group.DIAGNOSES,)),
    "medications": lambda table: mask_groups(table, (Group.MEDICATIONS,)),
}


@pytest.fixture(scope="module")
def dataset(genuine: tuple[MlSettings, sa.Engine]) -> Dataset:
    return read(genuine[1])


@pytest.fixture(scope="module")
def references(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> References:
    model = fit(GRADIENT_BOOSTING, {**SMALL, "n_estimators": 60}, dataset.train, jobs=1, masked=1)
    bundle = bundle_of(
        model, GRADIENT_BOOSTING, dataset.test, dataset.version.data_version, tmp_path_factory.mktemp("bundle")
    )
    return References(bundle, dataset.train, dataset.test)


def allowed(times: int) -> int:
    """99 % quantile of the number of false alarms at the nominal rate: 7 in 50 windows."""
    return int(binom.ppf(0.99, times, FALSE_ALARM_RATE))


def alarms(references: References, drawn: Iterator[pd.DataFrame]) -> Counter[str]:
    """Windows that any test finds in drift, and which features they were."""
    found: Counter[str] = Counter()
    for encounters in drawn:
        features = drifted(run_tests(references.compare(encounters)))
        found.update(features)
        found["any"] += bool(features)
    return found


def test_windows_of_test_patients_alarm_no_more_often_than_promised(references: References, dataset: Dataset) -> None:
    found = alarms(references, windows(dataset.test, SIZE, WINDOWS, seed=296))

    assert found["any"] <= allowed(WINDOWS), found


def test_patients_with_all_their_stays_alarm_no_more_often_either(references: References, dataset: Dataset) -> None:
    found = alarms(references, windows_of_patients(dataset.test, SIZE, WINDOWS_OF_PATIENTS, seed=296))

    assert found["any"] <= allowed(WINDOWS_OF_PATIENTS), found


@pytest.mark.parametrize("name", CHANGES)
def test_a_shift_is_noticed_in_every_window_of_a_thousand_records(
    references: References, dataset: Dataset, name: str
) -> None:
    change = CHANGES[name]
    drawn = windows(change.apply(dataset.test), SIZE, REPEATED, seed=297)
    noticed = [bool(drifted(run_tests(references.compare(one))) & set(change.features)) for one in drawn]

    assert all(noticed), f"{sum(noticed)} of {REPEATED}"


@pytest.mark.parametrize("hidden", LESS)
def test_hidden_fields_move_the_tests_of_known_fields_and_no_other(
    references: References, dataset: Dataset, hidden: str
) -> None:
    moved = 0
    for encounters in windows(LESS[hidden](dataset.test), SIZE, REPEATED_HIDDEN, seed=298):
        findings = run_tests(references.compare(encounters))
        assert drifted(findings, (Kind.KNOWN,))
        moved += bool(drifted(findings, BY_CONTENT))

    assert moved <= allowed(REPEATED_HIDDEN)
