"""Capacity and threshold on the genuine data: training writes the table, the page computes from it, a policy flags."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from infra.local.postgres.cluster import PostgresServer
from ml.core.policies.figures import figures_at, step_for_capacity
from ml.core.policies.threshold_table import FILE, STEPS, ThresholdTable
from ml.data.sources.delivery import Delivery
from ml.evaluation.baselines import BASELINES
from ml.evaluation.registered_version import predict
from ml.features.tables import patients, target
from ml.promotion.gate import run_gate
from ml.registry.client import Registry
from ml.training.models import RANDOM_FOREST
from ml.training.train import train
from ml.warehouse.datasets import Dataset, read
from tests.integration.api.process import ApiProcess, running_api
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.registries import empty
from tests.integration.ui.conftest import APP
from tests.integration.ui.model.page import open_page, page_text
from tests.support import thresholds as independent
from ui.clients.mlflow import RegistryClient
from ui.thresholds.controls import By

SAMPLES = 50
KEY = "key of the operator"
NOBODY = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Trained:
    """A version trained on the genuine data, and the service that serves it."""

    dataset: Dataset
    risks: np.ndarray
    table: ThresholdTable
    mlflow: str
    api: ApiProcess


@pytest.fixture(scope="module")
def trained(
    postgres_server: PostgresServer, mlflow_server: str, genuine_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("thresholds")
    empty(mlflow_server)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server, bootstrap_samples=SAMPLES) as (
        settings,
        engine,
    ):
        ingest_file(engine, Delivery("file", genuine_file))
        registry = Registry(settings)
        version = registry.version(train(settings, engine, registry, RANDOM_FOREST, {"n_estimators": 12}).version)
        assert run_gate(settings, engine, registry).decision.promote
        with RegistryClient(mlflow_server, 30) as client:
            content = client.download(version.run_id, FILE)
        assert content is not None
        dataset = read(engine)
        database = {
            "POSTGRES_HOST": settings.postgres_host,
            "POSTGRES_PORT": str(settings.postgres_port),
            "DIABETES_DB_NAME": settings.diabetes_db_name,
            "DIABETES_DB_USER": settings.diabetes_db_user,
            "DIABETES_DB_PASSWORD": settings.diabetes_db_password.get_secret_value(),
        }
        with running_api(folder, mlflow_server, OPERATOR_KEY=KEY, **database) as api:
            api.wait_until_ready()
            risks = predict(registry, dataset.test, version.number)
            yield Trained(dataset, risks, ThresholdTable.from_bytes(content), mlflow_server, api)
    empty(mlflow_server)


@pytest.fixture
def page(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("API_URL", trained.api.url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.mlflow)
    monkeypatch.setenv("OPERATOR_KEY", KEY)
    for name in ("AIRFLOW_URL", "PROMETHEUS_URL", "LOCUST_URL"):
        monkeypatch.setenv(name, NOBODY)
    st.cache_resource.clear()
    yield open_page(AppTest.from_file(str(APP), default_timeout=120), "thresholds")
    st.cache_resource.clear()


@pytest.mark.parametrize("step", [90, 210])
def test_the_figures_equal_an_independent_computation(trained: Trained, step: int) -> None:
    test = trained.dataset.test
    reference = BASELINES["lace"].fit(trained.dataset.train)(test)
    expected = independent.figures(test, target(test), trained.risks, reference, patients(test), step / STEPS, SAMPLES)
    found = figures_at(trained.table, step)

    assert found.overall.missed == expected["missed"][0]
    pairs = [
        (found.overall.share_flagged, "share flagged"),
        (found.overall.sensitivity, "sensitivity"),
        (found.overall.ppv, "ppv"),
        (found.overall.npv, "npv"),
        (found.overall.number_needed, "number needed"),
        (found.net_benefit.model, "net benefit flag"),
        (found.net_benefit.reference, "net benefit lace"),
        (found.net_benefit.everybody, "net benefit all"),
        *((one.sensitivity, f"{one.group.column}={one.group.value} sensitivity") for one in found.groups),
        *((one.ppv, f"{one.group.column}={one.group.value} ppv") for one in found.groups),
        *((ratios.equal_opportunity, f"{column} ratio of sensitivity") for column, ratios in found.ratios.items()),
        *(
            (ratios.predictive_equality, f"{column} ratio of false positive rate")
            for column, ratios in found.ratios.items()
        ),
    ]
    assert sum(interval is not None for interval, _ in pairs) > 25
    for interval, name in pairs:
        if interval is not None:
            assert interval == pytest.approx(expected[name], abs=1e-9), name


def test_the_page_shows_the_figures_of_a_capacity(page: AppTest, trained: Trained) -> None:
    page.number_input(key="thresholds-per-week").set_value(200).run()
    page.number_input(key="thresholds-capacity").set_value(20).run()
    step = step_for_capacity(trained.table, 20 / 200)
    figures = figures_at(trained.table, step)
    flagged = trained.risks.astype(np.float32) >= np.float32(step / STEPS)
    assert flagged.mean() <= 0.1
    shown = {one.label: one.value for one in page.metric}
    assert shown["Threshold"] == f"{step / 10:.1f}%"
    assert shown["Flagged per week"] == f"{200 * flagged.mean():.1f}"
    labels = target(trained.dataset.test)
    assert shown["Readmissions caught"] == f"{100 * flagged[labels == 1].mean():.1f}%"
    assert shown["Readmitted among the flagged"] == f"{100 * labels[flagged].mean():.1f}%"
    text = page_text(page)
    assert f"Missed: {figures.overall.missed:,} of {int(labels.sum()):,} readmissions" in text
    assert "190 a week, of 130 hospitals" in text
    assert "Equal-opportunity ratio" in text


def test_an_operator_puts_a_policy_in_force_which_predictions_then_name(page: AppTest, trained: Trained) -> None:
    page.session_state["thresholds-by"] = By.THRESHOLD
    page.run()
    page.number_input(key="thresholds-threshold").set_value(15.0).run()
    page.text_input(key="policy-key").set_value(KEY)
    page.button(key="policy-unlock").click().run()
    page.text_input(key="policy-name").set_value("Calls of ward 3")
    page.button(key="policy-put").click().run()
    assert "Fill in: Who decides, Reason, for the ledger." in page_text(page)
    page.text_input(key="policy-actor").set_value("R. Diaz")
    page.text_input(key="policy-reason").set_value("two nurses")
    page.button(key="policy-put").click().run()
    assert "In force: **Calls of ward 3**, from a risk of 15.0% on." in page_text(page)

    answer = trained.api.client.post("/predict", json={"records": [{"number_inpatient": 9}, {}]}).json()
    assert answer["policy"] == {"name": "Calls of ward 3", "threshold": 0.15}
    assert answer["flagged"] == [risk >= 0.15 for risk in answer["predictions"]]
    page.button(key="policy-withdraw").click().run()
    assert "No policy is in force" in page_text(page)
