"""A monitoring run on a real database and a real MLflow: findings, storage, report and command."""

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from typer.testing import CliRunner

from ml.cli.main import app
from ml.core.errors import NoDataError
from ml.core.names import MONITORING_EXPERIMENT
from ml.features.masking import keep_only
from ml.monitoring.drift import Kind, State
from ml.monitoring.findings import MonitoringRun
from ml.monitoring.run import PAGE_FILE, detect_drift, monitor
from ml.schema import FEATURE_NAMES
from ml.simulation.drift_scenarios import lab_not_measured, one_age_band_older
from tests.integration.ml.databases import count
from tests.integration.ml.monitoring.deployment import Deployment
from tests.integration.ml.monitoring.prediction_log import latest_run


@pytest.fixture(autouse=True)
def _reset_tracking_uri() -> Iterator[None]:
    """Reset the tracking URI, which is global in MLflow."""
    yield
    mlflow.set_tracking_uri(None)


def drawn(deployment: Deployment, size: int = 1_000) -> pd.DataFrame:
    return deployment.dataset.test.sample(size, random_state=3)


def run(deployment: Deployment) -> MonitoringRun:
    return detect_drift(deployment.settings, deployment.engine, deployment.registry)


def kinds(found: MonitoringRun) -> set[tuple[Kind, str]]:
    return {(finding.kind, finding.feature) for finding in found.drifted}


def test_predictions_like_the_training_data_are_ok_and_the_run_is_saved(deployment: Deployment) -> None:
    number = deployment.promote()
    deployment.predict(drawn(deployment), number)
    found = run(deployment)

    assert (found.state, found.drifted, found.predictions) == (State.OK, [], 1_000)
    assert (found.model_version, found.reference_data_version) == (number, deployment.dataset.version.data_version)
    assert found.details["notes"] == []
    assert {finding.kind for finding in found.findings} == set(Kind)
    assert len(found.findings) == 2 * len(FEATURE_NAMES) + 1
    saved = latest_run(deployment.engine)
    assert saved is not None
    assert sorted(saved.findings, key=str) == sorted(found.findings, key=str)
    assert (saved.run_id, saved.window_start, saved.details) == (found.run_id, found.window_start, found.details)


def test_the_report_and_metrics_are_logged_to_mlflow(deployment: Deployment) -> None:
    deployment.promote()
    deployment.predict(one_age_band_older(drawn(deployment)))
    found = run(deployment)
    saved = mlflow.get_run(found.details["mlflow_run"])

    assert mlflow.get_experiment(saved.info.experiment_id).name == MONITORING_EXPERIMENT
    assert saved.data.tags["state"] == "drift"
    assert found.details["notes"] == [
        "The production version has seen all training data: only newer encounters can answer the drift."
    ]
    assert saved.data.metrics["predictions"] == 1_000
    assert saved.data.metrics["tests_drift"] == len(found.drifted)
    assert saved.data.metrics["value.age"] > 0.1
    html = mlflow.artifacts.load_text(f"runs:/{saved.info.run_id}/{PAGE_FILE}")
    assert "<h1>Drift</h1>" in html
    assert "Age · Values" in html


def test_findings_are_saved_with_a_note_if_mlflow_refuses_the_report(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.predict(drawn(deployment), deployment.promote())
    monkeypatch.setattr("ml.monitoring.run.MONITORING_EXPERIMENT", "")  # MLflow refuses an experiment without a name
    found = run(deployment)
    saved = latest_run(deployment.engine)

    assert saved is not None
    assert saved.details == found.details
    assert list(found.details) == ["notes"]
    assert found.details["notes"][-1].startswith("The report is not in MLflow. MLflow at http://127.0.0.1:")
    assert len(saved.findings) == 2 * len(FEATURE_NAMES) + 1


def test_a_shift_is_found_in_the_changed_features(deployment: Deployment) -> None:
    deployment.promote()
    deployment.predict(lab_not_measured(one_age_band_older(drawn(deployment))))
    found = run(deployment)

    assert found.state is State.DRIFT
    assert {(Kind.VALUE, "age"), (Kind.VALUE, "A1Cresult")} <= kinds(found)
    assert not {kind for kind, _ in kinds(found)} & {Kind.KNOWN}


def test_missing_fields_drift_in_known_tests_only(deployment: Deployment) -> None:
    deployment.promote()
    deployment.predict(keep_only(drawn(deployment), ("race", "gender", "age")))
    found = run(deployment)

    assert found.state is State.DRIFT
    assert {kind for kind, _ in kinds(found)} == {Kind.KNOWN}
    states = {(finding.kind, finding.feature): finding.state for finding in found.findings}
    assert states[Kind.VALUE, "insulin"] is State.NOT_ENOUGH_DATA
    assert states[Kind.VALUE, "age"] is states[Kind.SCORE, "probability"] is State.OK


def test_predictions_of_other_versions_count_for_values_only_and_are_noted(deployment: Deployment) -> None:
    number = deployment.promote("of older data")
    deployment.predict(drawn(deployment, 950), "another")
    deployment.predict(drawn(deployment, 50), number)
    found = run(deployment)

    (score,) = (finding for finding in found.findings if finding.kind is Kind.SCORE)
    assert (score.state, score.records) == (State.NOT_ENOUGH_DATA, 50)
    assert found.state is State.OK
    assert found.predictions == 950, "of the 50 encounters the last prediction counts"
    others, newer = found.details["notes"]
    assert others.startswith("900 predictions of other versions")
    assert newer.startswith("The training data are newer")


@pytest.mark.parametrize("predictions", [0, 99])
def test_few_predictions_are_not_enough_data(deployment: Deployment, predictions: int) -> None:
    deployment.promote()
    if predictions:
        deployment.predict(drawn(deployment, predictions))
    found = run(deployment)

    assert (found.state, found.predictions) == (State.NOT_ENOUGH_DATA, predictions)
    assert {finding.distance for finding in found.findings} == {None}
    assert found.details["notes"] == ["At least 100 predictions are needed for a test."]


def test_without_a_production_version_monitoring_raises(deployment: Deployment) -> None:
    with pytest.raises(NoDataError, match=r"^No version is in production"):
        monitor(deployment.settings, deployment.engine, deployment.registry)
    assert count(deployment.engine, "monitor_runs") == 0
    assert latest_run(deployment.engine) is None


def test_the_command_prints_features_in_drift_and_the_number_of_tests(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fields = deployment.settings.model_dump()
    for name in ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user", "mlflow_tracking_uri"):
        monkeypatch.setenv(name.upper(), str(fields[name]))
    monkeypatch.setenv("DIABETES_DB_PASSWORD", deployment.settings.diabetes_db_password.get_secret_value())
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    deployment.promote()
    deployment.predict(one_age_band_older(drawn(deployment)))

    result = CliRunner().invoke(app, ["--quiet", "monitor"])

    output = " ".join(result.stdout.split())
    assert result.exit_code == 0, result.output
    assert "value │ age │ drift │ 1,000" in output
    assert "1,000 predictions, version 1 in production: drift, " in output
    assert "weight" not in output
    assert "not enough data" in CliRunner().invoke(app, ["--quiet", "monitor", "--all"]).stdout
