"""``simulate`` with a real service and its prediction log, up to the realised quality."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from infra.local.postgres.cluster import PostgresServer
from ml.cli.main import app
from ml.core.errors import SimulationError
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.monitoring.quality import measure_quality
from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import running_api
from tests.integration.ml.databases import count, fresh_database, ingest_file
from tests.integration.ml.monitoring.prediction_log import days_ago, insert_run, log_predictions

World = tuple[MlSettings, sa.Engine]
RECORDS = 400


@pytest.fixture(scope="module")
def ingested(
    postgres_server: PostgresServer, cohort_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("simulate")
    with fresh_database(postgres_server, folder) as (settings, engine):
        ingest_file(engine, Delivery("file", cohort_file))
        yield settings, engine


@pytest.fixture(scope="module")
def login(ingested: World) -> dict[str, str]:
    """Environment variables of the database."""
    settings = ingested[0]
    names = ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user")
    password = settings.diabetes_db_password.get_secret_value()
    return {name.upper(): str(getattr(settings, name)) for name in names} | {"DIABETES_DB_PASSWORD": password}


@pytest.fixture(scope="module")
def api(login: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a service with a model and a prediction log."""
    folder = tmp_path_factory.mktemp("api")
    with running_registry() as registry:
        registry.promote("1", write_bundle(folder / "bundle"))
        with running_api(folder, registry.url, **login, PREDICTION_LOG="true") as service:
            service.wait_until_ready()
            yield service.url


@pytest.fixture
def world(ingested: World, login: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """An empty prediction log, and environment variables for the command line."""
    with ingested[1].begin() as connection:
        connection.execute(sa.text("TRUNCATE predictions, outcomes"))
    for name, value in login.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    return ingested


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["--quiet", "simulate", "--records", str(RECORDS), *arguments])


def test_predictions_are_spread_over_the_days_and_outcomes_reported(world: World, api: str) -> None:
    settings, engine = world
    result = run("--days", "60", "--api", api)

    assert result.exit_code == 0, result.output + repr(result.exception)
    assert f"{RECORDS} predictions over the last 60 days (drift: none)" in " ".join(result.stdout.split())
    assert count(engine, "predictions", "starts_with(request_id, 'sim-') AND NOT load_test") == RECORDS
    assert count(engine, "predictions", "encounter IS NOT NULL AND patient IS NOT NULL") == RECORDS
    for week in range(8):
        of_week = f"predicted_at BETWEEN now() - interval '{week + 1} weeks' AND now() - interval '{week} weeks'"
        assert count(engine, "predictions", of_week) == pytest.approx(RECORDS * 7 / 60, abs=2)
    assert count(engine, "predictions", "predicted_at > now() OR predicted_at < now() - interval '61 days'") == 0
    early = "predicted_at > now() - interval '30 days'"
    assert count(engine, "labelled_predictions", f"{early} AND NOT readmitted_within_30_days") == 0
    assert 0 < count(engine, "labelled_predictions", f"{early} AND readmitted_within_30_days") < RECORDS / 10

    metrics = measure_quality(engine, insert_run(engine), settings)
    overall = {one.metric: one for one in metrics if one.subgroup == "all" and not one.estimated}
    assert overall["auroc"].records == pytest.approx(0.9 * RECORDS / 2, rel=0.12)
    assert overall["auroc"].coverage == pytest.approx(0.9, abs=0.08), "unreported outcomes are unknown"


def test_known_fields_and_drift_are_options(world: World, api: str) -> None:
    result = run("--days", "10", "--api", api, "--drift", "lab", "--known", "form", "--seed", "4")
    labs = count(world[1], "predictions", "record ? 'A1Cresult'")

    assert result.exit_code == 0, result.output
    assert labs == count(world[1], "predictions", "record->>'A1Cresult' = 'None'") > RECORDS / 4
    assert count(world[1], "predictions", "record ?& array['gender', 'age']") == RECORDS
    assert count(world[1], "predictions", "known_fields < 40") > RECORDS / 2


def test_without_force_simulations_add_up_and_the_last_prediction_counts(world: World, api: str) -> None:
    settings, engine = world
    for _ in range(2):
        assert run("--days", "90", "--api", api).exit_code == 0
    (overall, *_) = measure_quality(engine, insert_run(engine), settings)

    assert count(engine, "predictions") == 2 * RECORDS
    assert overall.records <= RECORDS * 2 / 3


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_a_log_with_real_predictions_is_refused(world: World, api: str, options: tuple[str, ...]) -> None:
    _, engine = world
    log_predictions(engine, {"load_test": True}, {"request_id": "a patient", "predicted_at": days_ago(40)})
    refused = run("--api", api, *options)

    assert isinstance(refused.exception, SimulationError)
    assert str(refused.exception).startswith("The prediction log holds real predictions, and a simulation would ")
    assert count(engine, "predictions") == 2
    assert count(engine, "predictions", "predicted_at < now() - interval '39 days'") == 2


def test_a_log_with_load_tests_is_accepted_and_their_predictions_do_not_change(world: World, api: str) -> None:
    _, engine = world
    log_predictions(engine, {"load_test": True, "predicted_at": days_ago(200)})

    assert run("--api", api, "--force").exit_code == 0
    assert count(engine, "predictions", "load_test AND predicted_at < now() - interval '199 days'") == 1
    assert count(engine, "predictions") == RECORDS + 1


def test_force_replaces_earlier_simulations(world: World, api: str) -> None:
    _, engine = world
    assert run("--api", api).exit_code == 0
    result = run("--api", api, "--force")
    latest = re.findall(r"sim-[0-9a-f]+-", result.stdout)[0]

    assert result.exit_code == 0
    for table in ("predictions", "outcomes"):
        assert count(engine, table) == count(engine, table, f"starts_with(request_id, '{latest}')") > 0
    assert count(engine, "predictions") == RECORDS


def test_a_service_without_this_log_raises(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.simulation.backdating._TIMEOUT_SECONDS", 1.0)
    with running_registry() as registry:
        registry.promote("1", write_bundle(tmp_path / "bundle"))
        with running_api(tmp_path, registry.url) as service:
            service.wait_until_ready()
            failed = run("--api", service.url)

    assert str(failed.exception).startswith(f"Only 0 of {RECORDS} predictions were logged: ")


def test_the_reason_of_a_refused_request_is_reported(world: World, tmp_path: Path) -> None:
    digest = "0" * 64
    with running_api(tmp_path, "http://127.0.0.1:9") as service:
        without_model = run("--api", service.url)
    with running_api(tmp_path, "http://127.0.0.1:9", API_KEYS=f"somebody:{digest}") as service:
        without_key = run("--api", service.url, "--api-key", "wrong")

    assert "answered /predict with status 503: " in str(without_model.exception)
    assert "answered /predict with status 401: An API key is required" in str(without_key.exception)


def test_an_unreachable_service_is_reported(world: World) -> None:
    failed = run("--api", "http://127.0.0.1:9")

    assert str(failed.exception) == (
        "The prediction service at http://127.0.0.1:9 does not answer (ConnectError): start it, or give its address "
        "with --api."
    )


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [("--drift", "flood", "none, age, payer, lab, icd"), ("--known", "all", "full, form, mixed"), ("--days", "0", "1")],
)
def test_an_invalid_option_is_reported_with_the_allowed_values(option: str, value: str, allowed: str) -> None:
    result = run(option, value)

    assert result.exit_code == 2
    assert allowed in " ".join(result.output.replace("│", " ").split())
