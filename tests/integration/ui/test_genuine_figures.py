"""The figures that pages show, from a model of the genuine data, equal independent computations.

Name, population and source of each: the share readmitted is of the training encounters, ranks and bands are of the test
encounters, both from the manifest of the served version; a risk is the answer of the API.
"""

import csv
import io
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from ml.core.reliability import UNITS
from ml.data.cohort import cohort_of_file
from ml.data.split import TEST_PERCENT, bucket
from ml.evaluation.bootstrap import evaluate
from ml.features.masking import apply_mask, random_mask
from ml.features.records import to_records, to_table
from ml.features.tables import model_inputs, patients, target, with_history
from ml.schema import FEATURE_NAMES, INPUTS
from ml.training.export import write_bundle
from ml.training.manifest import manifest_fields
from ml.training.models import RANDOM_FOREST, RiskModel, fit
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import running_api
from tests.integration.ui.conftest import APP
from tests.integration.ui.predict.page import predict, shown
from ui.cohort import BAND_EDGES
from ui.predict import address
from ui.predict.fields import Entries
from ui.predict.reliability import MIN_INFORMATION_FOR_RANK

FILE_ROWS = 400
RANKED_ROWS = 3_000
NOBODY = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Genuine:
    """A model of the genuine data, and the encounters of both parts."""

    model: RiskModel
    train: pd.DataFrame
    test: pd.DataFrame
    bundle: Path
    weights: NDArray[np.float64]


@pytest.fixture(scope="module")
def genuine(genuine_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Genuine:
    table = with_history(cohort_of_file(genuine_file).table)
    is_test = np.array([bucket(patient) < TEST_PERCENT for patient in patients(table).tolist()])
    train, test = table[~is_test], table[is_test]
    model = fit(RANDOM_FOREST, {"n_estimators": 20}, train, jobs=1)
    metrics = evaluate(target(test), model.predict(test), patients(test), samples=20)
    tags = {"algorithm": RANDOM_FOREST, "data_source": "real", "data_version": "0" * 64}
    fields = manifest_fields(model, train, test, metrics, tags)
    bundle = tmp_path_factory.mktemp("bundle")
    write_bundle(model, test, fields, bundle)
    weights = np.array([fields["completeness"].weights[unit] for unit in UNITS])
    return Genuine(model, train, test, bundle, weights)


@pytest.fixture
def page(genuine: Genuine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The interface on the real API, which serves the model."""
    with running_registry() as registry:
        registry.promote("1", genuine.bundle)
        with running_api(tmp_path, registry.url) as api:
            api.wait_until_ready()
            monkeypatch.setenv("API_URL", api.url)
            monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.url)
            for name in ("AIRFLOW_URL", "PROMETHEUS_URL", "LOCUST_URL"):
                monkeypatch.setenv(name, NOBODY)
            st.cache_resource.clear()
            yield AppTest.from_file(str(APP), default_timeout=60)
            st.cache_resource.clear()


def training_share(path: Path) -> float:
    """Share of the training encounters readmitted within 30 days, counted in the delivered file."""
    with zipfile.ZipFile(path) as archive:
        name = next(one for one in archive.namelist() if one.endswith("diabetic_data.csv"))
        rows = csv.DictReader(io.StringIO(archive.read(name).decode()))
        outcomes = [
            row["readmitted"] == "<30"
            for row in rows
            if row["discharge_disposition_id"] not in ("11", "13", "14", "19", "20", "21")
            and int.from_bytes(sha256(row["patient_nbr"].encode()).digest()[:3], "big") % 100 >= 20
        ]
    return sum(outcomes) / len(outcomes)


def features_of(genuine: Genuine, rows: slice) -> list[dict[str, str | int]]:
    """Records of test encounters without identifiers and history."""
    records = to_records(genuine.test.iloc[rows])
    return [{name: one[name] for name in FEATURE_NAMES if one.get(name) is not None} for one in records]


def test_the_share_readmitted_is_that_of_the_training_encounters(page: AppTest, genuine_file: Path) -> None:
    share = f"{100 * training_share(genuine_file):.1f}%"
    assert f"Of the training encounters, {share} were followed" in shown(
        page.run().switch_page("app_pages/overview.py").run()
    )
    page.switch_page("app_pages/predict.py").run().button(key="example").click().run()
    assert f"the share readmitted among the training encounters ({share})." in shown(predict(page))


def test_risk_rank_and_band_are_those_of_the_model_on_the_test_encounters(page: AppTest, genuine: Genuine) -> None:
    (record,) = features_of(genuine, slice(0, 1))
    for name, value in address.encode(Entries(record), {}).items():
        page.query_params[name] = value
    text = shown(predict(page.run()))
    risk = float(genuine.model.predict(to_table([record]))[0])
    assert page.metric[0].value == f"{100 * risk:.1f}%"
    below = float((genuine.model.predict(genuine.test) < risk).mean())
    ranks = {f"Higher than the risk of {100 * below + error:.0f}% of the test encounters." for error in (-0.5, 0, 0.5)}
    assert any(rank in text for rank in ranks), (ranks, text)
    bands = ("Lower half", "Upper half", "Top fifth", "Top twentieth")
    assert f"{bands[sum(below >= edge for edge in BAND_EDGES)]} of the test encounters" in text


def test_the_summary_of_a_file_is_that_of_its_risks(page: AppTest, genuine: Genuine, genuine_file: Path) -> None:
    records = features_of(genuine, slice(0, FILE_ROWS))
    risks = genuine.model.predict(to_table(records))
    text = io.StringIO()
    table = csv.DictWriter(text, FEATURE_NAMES, restval="?")
    table.writeheader()
    table.writerows(records)
    page.run().switch_page("app_pages/batch.py").run()
    page.file_uploader(key="batch-file").set_value(("test.csv", text.getvalue().encode(), "text/csv")).run()
    page.button(key="batch-start").click().run()
    deadline = time.monotonic() + 60
    while page.get("progress") and time.monotonic() < deadline:
        page.run()
    average = training_share(genuine_file)
    assert {metric.label: metric.value for metric in page.metric}.items() >= {
        "Rows scored": str(FILE_ROWS),
        "Mean risk": f"{100 * risks.mean():.1f}%",
        "Above twice the average": f"{100 * (risks > 2 * average).mean():.1f}%",
    }.items()
    assert f"{100 * average:.1f}%" in page.metric[2].help


def test_a_rank_says_more_than_a_guess_from_its_least_information_on(genuine: Genuine) -> None:
    table = genuine.test.sample(RANKED_ROWS, random_state=1)
    inputs = model_inputs(table)
    risks = np.sort(genuine.model.predict(genuine.test))
    complete = np.searchsorted(risks, genuine.model.probabilities(inputs)) / len(risks)
    errors, shares, same_band = [], [], []
    for seed in range(4):
        mask = random_mask(len(table), seed)
        known = ~mask[:, [[column.name for column in INPUTS].index(unit) for unit in UNITS]]
        rank = np.searchsorted(risks, genuine.model.probabilities(apply_mask(inputs, mask))) / len(risks)
        shares.append(known @ genuine.weights)
        errors.append(np.abs(rank - complete))
        same_band.append(np.digitize(rank, BAND_EDGES) == np.digitize(complete, BAND_EDGES))
    share, error, same = np.concatenate(shares), np.concatenate(errors), np.concatenate(same_band)
    middle = 0.25  # mean error of always naming the middle
    below, above = share < MIN_INFORMATION_FOR_RANK / 2, share >= MIN_INFORMATION_FOR_RANK
    first = above & (share < MIN_INFORMATION_FOR_RANK + 0.1)
    assert error[below].mean() > 0.95 * middle
    assert error[first].mean() < 0.85 * middle
    assert same[first].mean() > (complete < 0.5).mean()
