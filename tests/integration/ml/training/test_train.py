"""Training on real servers: what a version contains, and that equal inputs give no second version."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import mlflow
import numpy as np
import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.bundle import load_bundle
from ml.core.names import CHALLENGER, MODEL_NAME, PRODUCTION
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.evaluation.registered_version import evaluate_version, predict
from ml.features.tables import without_history
from ml.promotion.gate import Outcome, run_gate
from ml.registry.client import Registry
from ml.report.write import write_report
from ml.training.code_version import code_version, fingerprint
from ml.training.models import FAMILIES, RANDOM_FOREST
from ml.training.train import Trained, train
from ml.warehouse.datasets import Dataset, read
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.promotion.gates import delete_files
from tests.integration.ml.registries import empty

SETTINGS = {"n_estimators": 12}


@dataclass(frozen=True)
class First:
    """The first version, trained and decided on."""

    settings: MlSettings
    engine: sa.Engine
    registry: Registry
    trained: Trained
    outcome: Outcome

    @property
    def dataset(self) -> Dataset:
        return read(self.engine)


@pytest.fixture(scope="module")
def first(
    postgres_server: PostgresServer,
    mlflow_server: str,
    cohort_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[First]:
    folder = tmp_path_factory.mktemp("training")
    empty(mlflow_server)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        ingest_file(engine, Delivery("synthetic", cohort_file))
        registry = Registry(settings)
        trained = train(settings, engine, registry, RANDOM_FOREST, SETTINGS)
        write_report(settings, engine, registry, trained.version)
        yield First(settings, engine, registry, trained, run_gate(settings, engine, registry))
    empty(mlflow_server)


def test_the_first_version_is_promoted(first: First) -> None:
    assert first.trained == Trained("1", new=True)
    assert (first.outcome.version, first.outcome.new, first.outcome.decision.promote) == ("1", True, True)
    for alias in (CHALLENGER, PRODUCTION):
        found = first.registry.version_by_alias(alias)
        assert found is not None
        assert found.number == "1"


def test_the_tags_of_a_version_hold_its_origin_and_the_decision(first: First) -> None:
    tags = first.registry.version("1").tags
    data_version = first.dataset.version.data_version

    assert tags["data_source"] == "synthetic"
    assert tags["data_version"] == data_version
    assert tags["algorithm"] == "RandomForest"
    assert tags["code_version"] == code_version()
    assert tags["fingerprint"] == fingerprint(
        data_version, RANDOM_FOREST, {**FAMILIES[RANDOM_FOREST].defaults, **SETTINGS}
    )
    assert (tags["gate.decision"], tags["gate.reason"]) == ("promoted", "the first version")


def test_training_again_with_equal_inputs_registers_no_version(first: First) -> None:
    again = train(first.settings, first.engine, first.registry, RANDOM_FOREST, SETTINGS)
    judged = run_gate(first.settings, first.engine, first.registry, again.version)

    assert again == Trained("1", new=False)
    assert (judged.new, judged.decision) == (False, first.outcome.decision)
    assert [version.number for version in first.registry.versions()] == ["1"]


def test_a_run_stores_parameters_metrics_plots_and_model_card(first: First) -> None:
    run_id = first.registry.version("1").run_id
    run = mlflow.get_run(run_id)
    artifacts = {item.path for item in mlflow.artifacts.list_artifacts(run_id=run_id)}
    plots = {item.path for item in mlflow.artifacts.list_artifacts(run_id=run_id, artifact_path="plots")}
    card = mlflow.artifacts.load_text(f"runs:/{run_id}/model_card.md")

    assert run.data.params["family"] == RANDOM_FOREST
    assert run.data.params["n_estimators"] == "12"
    assert {
        f"{m}{end}" for m in ("auroc", "average_precision", "brier", "ece") for end in ("", "_low", "_high")
    } <= set(run.data.metrics)
    assert "model_card.md" in artifacts
    assert {"report.html", "report.json"} <= artifacts
    assert {"plots/roc.png", "plots/calibration.png"} <= plots
    assert card.startswith("# Model card")
    assert "Trained on synthetic data" in card
    assert run.info.status == "FINISHED"


def test_a_run_names_its_data_with_their_version(first: First) -> None:
    inputs = mlflow.get_run(first.registry.version("1").run_id).inputs.dataset_inputs
    contexts = {tag.value for entry in inputs for tag in entry.tags if tag.key == "mlflow.data.context"}

    assert contexts == {"train", "test"}
    assert {entry.dataset.name for entry in inputs} == {"train_data", "test_data"}
    assert {entry.dataset.digest for entry in inputs} == {first.dataset.version.data_version[:12]}


def test_a_version_holds_graph_golden_requests_and_manifest_and_no_pickle(first: First) -> None:
    with first.registry.download("1") as directory:
        files = {path.name for path in directory.rglob("*") if path.is_file()}
        manifest = load_bundle(directory).manifest
    stored = {
        item.path for item in mlflow.artifacts.list_artifacts(artifact_uri=f"models:/{MODEL_NAME}/1") if not item.is_dir
    }

    assert files == {"model.onnx", "golden.json", "manifest.json"}
    assert {"MLmodel", *files} <= stored
    assert not {name for name in stored if name.endswith((".pkl", ".pickle", ".joblib", ".skops"))}
    assert manifest.data_version == first.dataset.version.data_version
    assert manifest.provenance == "synthetic"


def test_mlflow_users_get_the_same_probabilities(first: First) -> None:
    rows = without_history(first.dataset.test.head(40))
    answer = mlflow.pyfunc.load_model(f"models:/{MODEL_NAME}/1").predict(rows)

    np.testing.assert_allclose(answer, predict(first.registry, rows), atol=1e-6)


def test_evaluating_a_version_gives_its_logged_metrics(first: First) -> None:
    metrics = evaluate_version(first.settings, first.engine, first.registry, "1")
    logged = mlflow.get_run(first.registry.version("1").run_id).data.metrics

    for name in ("auroc", "average_precision", "brier", "ece"):
        assert metrics[name]["value"] == pytest.approx(logged[name], abs=1e-6)


def test_other_settings_make_another_version_and_challenger(first: First) -> None:
    other = train(first.settings, first.engine, first.registry, RANDOM_FOREST, {**SETTINGS, "min_samples_leaf": 200})
    challenger, production = first.registry.version_by_alias(CHALLENGER), first.registry.version_by_alias(PRODUCTION)

    assert other == Trained("2", new=True)
    assert challenger is not None
    assert production is not None
    assert (challenger.number, production.number) == ("2", "1")


def test_an_interrupted_registration_is_completed_by_the_next_training(first: First, mlflow_server: str) -> None:
    where = {"name": MODEL_NAME, "alias": CHALLENGER}
    alias = f"{mlflow_server}/api/2.0/mlflow/registered-models/alias"
    httpx.request("DELETE", alias, json=where).raise_for_status()
    again = train(first.settings, first.engine, first.registry, RANDOM_FOREST, SETTINGS)
    challenger = first.registry.version_by_alias(CHALLENGER)

    assert again == Trained("1", new=False)
    assert challenger is not None
    assert challenger.number == "1"


@pytest.mark.parametrize("file", ["", "model.onnx"], ids=["all files", "the graph"])
def test_a_version_that_lost_its_files_is_trained_again(first: First, mlflow_server: str, file: str) -> None:
    lost = train(first.settings, first.engine, first.registry, RANDOM_FOREST, SETTINGS)
    delete_files(mlflow_server, lost.version, file)
    again = train(first.settings, first.engine, first.registry, RANDOM_FOREST, SETTINGS)

    assert again == Trained(str(len(first.registry.versions())), new=True)
    assert train(first.settings, first.engine, first.registry, RANDOM_FOREST, SETTINGS) == replace(again, new=False)
    assert run_gate(first.settings, first.engine, first.registry, again.version).decision.promote
