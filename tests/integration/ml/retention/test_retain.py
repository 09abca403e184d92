"""``retain`` on a real MLflow and a real PostgreSQL: old versions, runs and rows go, with their files."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import httpx
import mlflow
import optuna
import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.errors import RegistryError
from ml.core.names import MODEL_NAME, MONITORING_EXPERIMENT
from ml.core.settings import MlSettings
from ml.promotion.ledger import Action, Ledger
from ml.registry.client import Registry
from ml.registry.deletion import DeletingRegistry
from ml.retention.deletions import ledger_entries
from ml.retention.plan import Limits
from ml.retention.retain import retain
from ml.training.tune import storage
from tests.integration.api.bundles import write_bundle
from tests.integration.ml.databases import count, fresh_database
from tests.integration.ml.registries import empty, register_bundle

LATER = timedelta(days=200)
MONITORING_RUN = (
    "INSERT INTO monitor_runs (finished_at, model_version, reference_data_version, window_start, window_end, "
    "predictions, state, details) VALUES (:t, '1', 'd', :t, :t, 0, 'ok', '{}') RETURNING id"
)


class Later(datetime):
    """The clock of half a year later, since MLflow takes the times of its own clock."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Later":
        return cls.fromtimestamp((datetime.now(UTC) + LATER).timestamp(), tz)


@pytest.fixture
def platform(
    postgres_server: PostgresServer, mlflow_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[MlSettings, sa.Engine, Registry]]:
    """Five versions: 3 was promoted after 2, and 3 has the alias; half a year later."""
    empty(mlflow_server)
    with fresh_database(postgres_server, tmp_path, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        registry, ledger = Registry(settings), Ledger(engine)
        bundle = write_bundle(tmp_path / "bundle")
        for _ in range(5):
            register_bundle(registry, bundle)
        for version, incumbent in (("1", None), ("2", "1"), ("3", "2")):
            ledger.complete(
                ledger.add(Action.PROMOTED, version, incumbent, actor="a test", reason="better", rule="better")
            )
        registry.set_alias("production", "3")
        monkeypatch.setattr("ml.retention.retain.datetime", Later)
        yield settings, engine, registry
    empty(mlflow_server)


KEEP = Limits(days=90, versions=1, decisions=1)


def files(registry: Registry, number: str) -> list[str]:
    return [file.path for file in mlflow.artifacts.list_artifacts(artifact_uri=f"models:/{MODEL_NAME}/{number}")]


def test_without_apply_nothing_changes_and_the_numbers_are_those_of_the_deletion(
    platform: tuple[MlSettings, sa.Engine, Registry],
) -> None:
    settings, engine, registry = platform
    planned = retain(settings, engine, KEEP, apply=False)
    assert planned.versions == ["1", "4"]
    assert planned.freed_bytes == 0
    assert len(registry.versions()) == 5
    done = retain(settings, engine, KEEP, apply=True)
    assert (done.counts, done.versions) == (planned.counts, planned.versions)
    assert retain(settings, engine, KEEP, apply=True).counts["model versions"] == 0


def test_deleted_versions_have_no_files_and_no_run_and_those_in_use_keep_theirs(
    platform: tuple[MlSettings, sa.Engine, Registry],
) -> None:
    settings, engine, registry = platform
    gone = registry.version("1")
    stored = mlflow.MlflowClient().get_model_version_download_uri(MODEL_NAME, "1")
    done = retain(settings, engine, KEEP, apply=True)

    assert done.freed_bytes > 1_000
    assert [version.number for version in registry.versions()] == ["5", "3", "2"]
    assert mlflow.get_run(gone.run_id).info.lifecycle_stage == "deleted"
    path = stored.removeprefix("mlflow-artifacts:/").lstrip("/")
    listed = httpx.get(f"{settings.mlflow_tracking_uri}/api/2.0/mlflow-artifacts/artifacts", params={"path": path})
    assert listed.json().get("files", []) == []
    for number in ("2", "3", "5"):
        assert "model.onnx" in files(registry, number)


def test_the_ledger_shows_who_deleted_which_versions_and_whether_it_was_interrupted(
    platform: tuple[MlSettings, sa.Engine, Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, engine, _registry = platform
    with monkeypatch.context() as broken:
        broken.setattr(DeletingRegistry, "delete_version", _fail_at_version_4)
        with pytest.raises(RegistryError, match="went away"):
            retain(settings, engine, KEEP, apply=True, actor="Ana")
    done = retain(settings, engine, KEEP, apply=True, actor="Ben")

    second, first = ledger_entries(engine)
    assert (first["actor"], first["version"], first["completed_at"]) == ("Ana", "1, 4", None)
    assert (second["actor"], second["version"], second["completed_at"] is None) == ("Ben", "4", False)
    assert second["figures"] == {"counts": done.counts, "freed_bytes": done.freed_bytes}


_delete_version = DeletingRegistry.delete_version


def _fail_at_version_4(registry: DeletingRegistry, number: str) -> int:
    if number == "4":
        raise RegistryError("MLflow went away")
    return _delete_version(registry, number)


def test_monitoring_runs_go_though_no_quality_was_ever_measured(
    platform: tuple[MlSettings, sa.Engine, Registry],
) -> None:
    settings, engine, _registry = platform
    with engine.begin() as connection:
        for _ in range(3):
            connection.execute(sa.text(MONITORING_RUN), {"t": datetime.now(UTC)})
    assert retain(settings, engine, KEEP, apply=True).counts["monitoring runs"] == 2
    assert count(engine, "monitor_runs") == 1


def test_old_rows_searches_and_runs_go_and_those_that_pages_show_stay(
    platform: tuple[MlSettings, sa.Engine, Registry],
) -> None:
    settings, engine, registry = platform
    old, new = datetime.now(UTC), datetime.now(UTC) + LATER
    quality = "INSERT INTO monitor_quality VALUES (:id, '1', 'all', 'auroc', false, 0.7, 0.6, 0.8, 9, 1, 1)"
    prediction = (
        "INSERT INTO predictions (request_id, position, predicted_at, model_version, data_source, record, "
        "known_fields, probability, load_test) VALUES ('r', 0, :t, '1', 'real', '{}', 0, 0.1, :load)"
    )
    with engine.begin() as connection:
        ids = [connection.scalar(sa.text(MONITORING_RUN), {"t": moment}) for moment in (old, old, old, new)]
        connection.execute(sa.text(quality), {"id": ids[1]})
        for moment, load in ((old, True), (old, False), (new, True)):
            connection.execute(sa.text(prediction), {"t": moment, "load": load})
        for moment in (old - timedelta(days=2190), old, new):
            connection.execute(
                sa.text("INSERT INTO accesses (accessed_at, action, patient) VALUES (:t, 'explained', 'p')"),
                {"t": moment},
            )
        scoring = (
            "INSERT INTO scorings (digest, source, model_version, actor, rows_scored, rows_invalid, started_at) VALUES "
        )
        for moment in (old, new):
            number = connection.scalar(
                sa.text(f"{scoring} (:d, 'raw_data', '1', 'a test', 1, 0, :t) RETURNING id"),
                {"d": str(moment), "t": moment},
            )
            connection.execute(
                sa.text("INSERT INTO scores (scoring_id, row_number, readmission_risk) VALUES (:id, 1, 0.1)"),
                {"id": number},
            )
    study = optuna.create_study(study_name="of last year", storage=storage(settings))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    for _ in range(3):
        with registry.run("monitoring", {}, MONITORING_EXPERIMENT):
            pass
    done = retain(settings, engine, KEEP, apply=True)

    assert done.counts["monitoring runs"] == 2
    assert done.counts["predictions of load tests"] == 1
    assert done.counts["searches"] == 1
    assert count(engine, "monitor_runs") == 2  # the newest, and the newest with quality
    assert count(engine, "predictions") == 2
    assert done.counts["entries of the access log"] == 1
    assert count(engine, "accesses") == 2
    assert done.counts["batch scorings"] == 1
    assert count(engine, "scores") == count(engine, "scorings") == 1
    assert optuna.get_all_study_names(storage(settings)) == []
    experiment = mlflow.get_experiment_by_name(MONITORING_EXPERIMENT)
    assert experiment is not None
    assert len(mlflow.search_runs([experiment.experiment_id])) == KEEP.versions
    assert count(engine, "gate_decisions") == 3
