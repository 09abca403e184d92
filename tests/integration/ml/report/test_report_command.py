"""Report of a version on real servers: logged by its run, and written by the command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
import sqlalchemy as sa
from mlflow import MlflowClient
from typer.testing import CliRunner

from infra.local.postgres.cluster import PostgresServer
from ml.cli.main import app
from ml.core.errors import RegistryError, StaleInputError
from ml.core.names import MODEL_NAME
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.registry.client import Registry
from ml.report import write
from ml.report.card import card, description
from ml.report.page import page
from ml.report.storage import has_report, load_findings
from ml.report.write import write_report
from ml.schema.translations import Language
from ml.training.models import RANDOM_FOREST
from ml.training.train import train
from ml.warehouse.connection import transaction
from ml.warehouse.tables import ingestions
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.registries import empty

PLOTS = {"roc", "precision_recall", "calibration", "distribution", "decision_curve", "gains", "missing_fields"}
RUNNER = CliRunner()


@dataclass(frozen=True)
class Trained:
    """A version trained on synthetic data."""

    registry: Registry
    number: str
    run_id: str
    address: str


World = tuple[MlSettings, sa.Engine]


@pytest.fixture(scope="module")
def world(
    postgres_server: PostgresServer, mlflow_server: str, cohort_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("report")
    empty(mlflow_server)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        ingest_file(engine, Delivery("synthetic", cohort_file))
        yield settings, engine
    empty(mlflow_server)


def version_of(world: World, address: str, trees: int) -> Trained:
    registry = Registry(world[0])
    number = train(*world, registry, RANDOM_FOREST, {"n_estimators": trees}).version
    return Trained(registry, number, registry.version(number).run_id, address)


@pytest.fixture(scope="module")
def trained(world: World, mlflow_server: str) -> Trained:
    """With its report."""
    found = version_of(world, mlflow_server, 12)
    assert write_report(*world, found.registry, found.number)
    assert not write_report(*world, found.registry, found.number)
    return found


@pytest.fixture(scope="module")
def unreported(world: World, mlflow_server: str) -> Trained:
    return version_of(world, mlflow_server, 5)


@pytest.fixture
def working_directory(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with the address of MLflow in the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.address)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_logs_findings_page_card_and_plots(trained: Trained) -> None:
    files = {file.path for file in mlflow.artifacts.list_artifacts(run_id=trained.run_id)}
    plots = {file.path for file in mlflow.artifacts.list_artifacts(run_id=trained.run_id, artifact_path="plots")}

    assert {"report.json", "report.html", "report.es.html", "model_card.md", "model_card.es.md"} <= files
    assert plots == {f"plots/{name}.png" for name in PLOTS} | {"plots/es"}
    spanish = {file.path for file in mlflow.artifacts.list_artifacts(run_id=trained.run_id, artifact_path="plots/es")}
    assert spanish == {f"plots/es/{name}.png" for name in PLOTS}


def test_page_and_card_are_rendered_from_the_stored_findings(trained: Trained) -> None:
    _, findings = load_findings(trained.registry, trained.number)

    for language in Language:
        report, text = (language.file(name) for name in ("report.html", "model_card.md"))
        assert mlflow.artifacts.load_text(f"runs:/{trained.run_id}/{report}") == page(findings, language=language)
        assert mlflow.artifacts.load_text(f"runs:/{trained.run_id}/{text}") == card(findings, language=language)


def test_the_findings_match_the_logged_metrics(trained: Trained) -> None:
    version, findings = load_findings(trained.registry, trained.number)
    logged = mlflow.get_run(trained.run_id).data.metrics

    assert findings.provenance.is_synthetic
    assert findings.provenance.data_version == version.tags["data_version"]
    assert findings.provenance.code_version == version.tags["code_version"]
    assert {name: logged[name] for name in findings.metrics} == pytest.approx(
        {name: interval["value"] for name, interval in findings.metrics.items()}
    )


def test_the_description_of_the_version_is_the_short_card(trained: Trained) -> None:
    _, findings = load_findings(trained.registry, trained.number)
    found = MlflowClient().get_model_version(MODEL_NAME, trained.number)

    assert found.description.startswith(description(findings))
    assert f"models:/{MODEL_NAME}/{trained.number}" in found.description
    assert "Trained on synthetic data" in found.description


def test_the_command_prints_the_card_with_the_version_number(trained: Trained, working_directory: Path) -> None:
    result = RUNNER.invoke(app, ["card", trained.number])

    assert result.exit_code == 0
    assert result.stdout.startswith("# Model card")
    assert f"version {trained.number} of `{MODEL_NAME}`" in result.stdout


def test_the_command_writes_the_card_to_a_file(trained: Trained, working_directory: Path) -> None:
    printed = RUNNER.invoke(app, ["card", trained.number]).stdout
    result = RUNNER.invoke(app, ["card", trained.number, "--out", "docs/card.md"])

    assert result.exit_code == 0
    assert (working_directory / "docs" / "card.md").read_text() == printed


def test_the_command_writes_the_page(trained: Trained, working_directory: Path) -> None:
    result = RUNNER.invoke(app, ["report", trained.number])
    text = (working_directory / f"report-{trained.number}.html").read_text()

    assert result.exit_code == 0
    assert f"RandomForest, version {trained.number}" in text


def test_an_unwritable_path_is_reported(trained: Trained, working_directory: Path) -> None:
    (working_directory / "taken").write_text("a file, not a folder")
    result = RUNNER.invoke(app, ["card", trained.number, "--out", "taken/card.md"])

    assert result.exit_code == 2
    assert "taken/card.md cannot be written" in " ".join(result.stderr.split())


def test_a_version_has_a_short_description_until_it_has_its_report(unreported: Trained) -> None:
    found = MlflowClient().get_model_version(MODEL_NAME, unreported.number)

    assert found.description.startswith("# RandomForest: risk of readmission within 30 days")
    assert "Trained on synthetic data" in found.description
    assert "report, with plots and model card, is made after the gate" in found.description
    with pytest.raises(RegistryError, match=f"^Version {unreported.number} has no report"):
        load_findings(unreported.registry, unreported.number)


def test_a_report_is_refused_once_the_code_has_changed(
    unreported: Trained, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "code_version", lambda: "0" * 64)
    with pytest.raises(StaleInputError, match=f"^Version {unreported.number} gets no report: its code version is not"):
        write_report(*world, unreported.registry, unreported.number)


def test_a_report_is_refused_once_the_data_have_changed(unreported: Trained, world: World) -> None:
    settings, engine = world
    with transaction(engine) as connection:
        version = connection.scalar(sa.select(ingestions.c.data_version))
        connection.execute(ingestions.update().values(data_version="0" * 64))
    with pytest.raises(StaleInputError, match=f"^Version {unreported.number} gets no report: its data version is not"):
        write_report(settings, engine, unreported.registry, unreported.number)
    assert not has_report(unreported.registry, unreported.registry.version(unreported.number))

    with transaction(engine) as connection:
        connection.execute(ingestions.update().values(data_version=version))
    assert write_report(settings, engine, unreported.registry, unreported.number)
    assert has_report(unreported.registry, unreported.registry.version(unreported.number))


def test_an_unknown_version_raises(trained: Trained) -> None:
    with pytest.raises(RegistryError):
        load_findings(trained.registry, "999")


def test_a_version_without_findings_raises(trained: Trained) -> None:
    with trained.registry.run("bare", {}) as run_id:
        pass
    bare = MlflowClient().create_model_version(MODEL_NAME, f"runs:/{run_id}/model", run_id)

    with pytest.raises(RegistryError, match=rf"^Version {bare.version} has no report"):
        load_findings(trained.registry, str(bare.version))
