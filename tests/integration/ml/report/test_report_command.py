"""The report of a version on real servers: kept by its run, and written again by the command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from infra.local.postgres.cluster import PostgresServer
from ml.cli.main import app
from ml.core.errors import RegistryError
from ml.core.names import MODEL_NAME
from ml.data.sources.delivery import Delivery
from ml.registry.client import Registry
from ml.report.card import card, description
from ml.report.page import page
from ml.report.storage import recorded
from ml.training.models import RANDOM_FOREST
from ml.training.train import train
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.registries import empty

PLOTS = {"roc", "precision_recall", "calibration", "distribution", "decision_curve", "gains", "missing_fields"}
RUNNER = CliRunner()


@dataclass(frozen=True)
class Trained:
    """A version that was trained on synthetic data, and where it is."""

    registry: Registry
    number: str
    run_id: str
    address: str


@pytest.fixture(scope="module")
def trained(
    postgres_server: PostgresServer, mlflow_server: str, cohort_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("report")
    empty(mlflow_server)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        ingest_file(engine, Delivery("synthetic", cohort_file), folder)
        registry = Registry(settings)
        made = train(settings, engine, registry, RANDOM_FOREST, {"n_estimators": 12})
        yield Trained(registry, made.version, registry.version(made.version).run_id, mlflow_server)
    empty(mlflow_server)


@pytest.fixture
def here(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, in which the command line finds MLflow."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.address)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_keeps_findings_page_card_and_plots(trained: Trained) -> None:
    files = {file.path for file in mlflow.artifacts.list_artifacts(run_id=trained.run_id)}
    plots = {file.path for file in mlflow.artifacts.list_artifacts(run_id=trained.run_id, artifact_path="plots")}

    assert {"report.json", "report.html", "model_card.md"} <= files
    assert plots == {f"plots/{name}.png" for name in PLOTS}


def test_page_and_card_of_the_run_are_those_of_its_findings(trained: Trained) -> None:
    _, findings = recorded(trained.registry, trained.number)

    assert mlflow.artifacts.load_text(f"runs:/{trained.run_id}/report.html") == page(findings)
    assert mlflow.artifacts.load_text(f"runs:/{trained.run_id}/model_card.md") == card(findings)


def test_the_findings_are_those_of_the_run(trained: Trained) -> None:
    version, findings = recorded(trained.registry, trained.number)
    logged = mlflow.get_run(trained.run_id).data.metrics

    assert findings.provenance.is_synthetic
    assert findings.provenance.data_version == version.tags["data_version"]
    assert findings.provenance.code_version == version.tags["code_version"]
    assert {name: logged[name] for name in findings.metrics} == pytest.approx(
        {name: figure["value"] for name, figure in findings.metrics.items()}
    )


def test_the_version_is_described_by_the_short_card(trained: Trained) -> None:
    _, findings = recorded(trained.registry, trained.number)
    found = MlflowClient().get_model_version(MODEL_NAME, trained.number)

    assert found.description == description(findings)
    assert "Trained on synthetic data" in found.description


def test_the_command_prints_the_card_with_the_number_of_the_version(trained: Trained, here: Path) -> None:
    result = RUNNER.invoke(app, ["card", trained.number])

    assert result.exit_code == 0
    assert result.stdout.startswith("# Model card")
    assert f"version {trained.number} of `{MODEL_NAME}`" in result.stdout


def test_the_command_writes_the_card_where_it_is_told_to(trained: Trained, here: Path) -> None:
    printed = RUNNER.invoke(app, ["card", trained.number]).stdout
    result = RUNNER.invoke(app, ["card", trained.number, "--out", "docs/card.md"])

    assert result.exit_code == 0
    assert (here / "docs" / "card.md").read_text() == printed


def test_the_command_writes_the_page(trained: Trained, here: Path) -> None:
    result = RUNNER.invoke(app, ["report", trained.number])
    text = (here / f"report-{trained.number}.html").read_text()

    assert result.exit_code == 0
    assert f"RandomForest, version {trained.number}" in text


def test_a_place_that_cannot_be_written_is_named(trained: Trained, here: Path) -> None:
    (here / "taken").write_text("a file, not a folder")
    result = RUNNER.invoke(app, ["card", trained.number, "--out", "taken/card.md"])

    assert result.exit_code == 2
    assert "taken/card.md cannot be written" in " ".join(result.stderr.split())


def test_a_version_that_is_not_there_is_an_error(trained: Trained) -> None:
    with pytest.raises(RegistryError):
        recorded(trained.registry, "999")


def test_a_version_whose_run_kept_nothing_says_so(trained: Trained) -> None:
    with trained.registry.run("bare", {}) as run_id:
        pass
    bare = MlflowClient().create_model_version(MODEL_NAME, f"runs:/{run_id}/model", run_id)

    with pytest.raises(RegistryError, match=rf"^Version {bare.version} has no report"):
        recorded(trained.registry, str(bare.version))
