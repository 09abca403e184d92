"""A run of the monitoring on a real database and a real MLflow: what it finds, keeps and shows."""

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
from ml.monitoring.findings import Monitored, newest
from ml.monitoring.run import PAGE_FILE, detect_drift, monitor
from ml.schema import FEATURE_NAMES
from ml.simulation.drift_scenarios import lab_not_measured, one_age_band_older
from tests.integration.ml.databases import count
from tests.integration.ml.monitoring.drift.field import Field


@pytest.fixture(autouse=True)
def _tracking_of_others() -> Iterator[None]:
    """The address of MLflow is global to it."""
    yield
    mlflow.set_tracking_uri(None)


def drawn(field: Field, size: int = 1_000) -> pd.DataFrame:
    return field.dataset.test.sample(size, random_state=3)


def run(field: Field) -> Monitored:
    return detect_drift(field.settings, field.engine, field.registry)


def kinds(found: Monitored) -> set[tuple[Kind, str]]:
    return {(finding.kind, finding.feature) for finding in found.drifted}


def test_predictions_like_the_training_data_are_ok_and_the_run_is_kept(field: Field) -> None:
    number = field.promote()
    field.ask(drawn(field), number)
    found = run(field)

    assert (found.state, found.drifted, found.predictions) == (State.OK, [], 1_000)
    assert (found.model_version, found.reference_data_version) == (number, field.dataset.version.data_version)
    assert found.details["notes"] == []
    assert {finding.kind for finding in found.findings} == set(Kind)
    assert len(found.findings) == 2 * len(FEATURE_NAMES) + 1
    kept = newest(field.engine)
    assert kept is not None
    assert sorted(kept.findings, key=str) == sorted(found.findings, key=str)
    assert (kept.run_id, kept.window_start, kept.details) == (found.run_id, found.window_start, found.details)


def test_the_report_is_in_mlflow_beside_the_figures(field: Field) -> None:
    field.promote()
    field.ask(one_age_band_older(drawn(field)))
    found = run(field)
    kept = mlflow.get_run(found.details["mlflow_run"])

    assert mlflow.get_experiment(kept.info.experiment_id).name == MONITORING_EXPERIMENT
    assert kept.data.tags["state"] == "drift"
    assert kept.data.metrics["predictions"] == 1_000
    assert kept.data.metrics["tests_drift"] == len(found.drifted)
    assert kept.data.metrics["value.age"] > 0.1
    html = mlflow.artifacts.load_text(f"runs:/{kept.info.run_id}/{PAGE_FILE}")
    assert "<h1>Drift</h1>" in html
    assert "Age · Values" in html


def test_a_shift_is_found_in_the_feature_that_it_changes(field: Field) -> None:
    field.promote()
    field.ask(lab_not_measured(one_age_band_older(drawn(field))))
    found = run(field)

    assert found.state is State.DRIFT
    assert {(Kind.VALUE, "age"), (Kind.VALUE, "A1Cresult")} <= kinds(found)
    assert not {kind for kind, _ in kinds(found)} & {Kind.KNOWN}


def test_who_tells_less_drifts_in_known_fields_and_nowhere_else(field: Field) -> None:
    field.promote()
    field.ask(keep_only(drawn(field), ("race", "gender", "age")))
    found = run(field)

    assert found.state is State.DRIFT
    assert {kind for kind, _ in kinds(found)} == {Kind.KNOWN}
    states = {(finding.kind, finding.feature): finding.state for finding in found.findings}
    assert states[Kind.VALUE, "insulin"] is State.NOT_ENOUGH_DATA
    assert states[Kind.VALUE, "age"] is states[Kind.SCORE, "probability"] is State.OK


def test_answers_of_other_versions_count_for_values_only_and_a_note_says_so(field: Field) -> None:
    number = field.promote("of older data")
    field.ask(drawn(field, 950), "another")
    field.ask(drawn(field, 50), number)
    found = run(field)

    (score,) = (finding for finding in found.findings if finding.kind is Kind.SCORE)
    assert (score.state, score.records) == (State.NOT_ENOUGH_DATA, 50)
    assert found.state is State.OK
    assert found.predictions == 950, "of the 50 encounters the last prediction counts"
    others, renewed = found.details["notes"]
    assert others.startswith("900 predictions of other versions")
    assert renewed.startswith("The training data were renewed")


@pytest.mark.parametrize("asked", [0, 99])
def test_few_predictions_are_not_enough_data(field: Field, asked: int) -> None:
    field.promote()
    if asked:
        field.ask(drawn(field, asked))
    found = run(field)

    assert (found.state, found.predictions) == (State.NOT_ENOUGH_DATA, asked)
    assert {finding.distance for finding in found.findings} == {None}
    assert found.details["notes"] == ["With fewer than 100 predictions nothing can be said."]


def test_without_a_production_version_there_is_nothing_to_watch(field: Field) -> None:
    with pytest.raises(NoDataError, match=r"^No version is in production, so there is nothing to watch: run train"):
        monitor(field.settings, field.engine, field.registry)
    assert count(field.engine, "monitor_runs") == 0
    assert newest(field.engine) is None


def test_the_command_prints_what_drifted_and_how_many_tests(
    field: Field, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fields = field.settings.model_dump()
    for name in ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user", "mlflow_tracking_uri"):
        monkeypatch.setenv(name.upper(), str(fields[name]))
    monkeypatch.setenv("DIABETES_DB_PASSWORD", field.settings.diabetes_db_password.get_secret_value())
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    field.promote()
    field.ask(one_age_band_older(drawn(field)))

    result = CliRunner().invoke(app, ["--quiet", "monitor"])

    said = " ".join(result.stdout.split())
    assert result.exit_code == 0, result.output
    assert "value │ age │ drift │ 1,000" in said
    assert "1,000 predictions, version 1 in production: drift, " in said
    assert "weight" not in said
    assert "not enough data" in CliRunner().invoke(app, ["--quiet", "monitor", "--all"]).stdout
