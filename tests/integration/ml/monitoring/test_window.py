"""Which logged predictions are in the window."""

from datetime import UTC, datetime, timedelta

import pytest

from ml.core.errors import WarehouseError
from ml.core.settings import MlSettings
from ml.monitoring.window import Window, read_window
from ml.warehouse.connection import warehouse
from tests.integration.ml.monitoring.deployment import Deployment, row

NOW = datetime.now(UTC)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def read(deployment: Deployment, days: float = 7, limit: int = 1_000) -> Window:
    return read_window(deployment.engine, days, limit)


def test_the_window_holds_the_newest_predictions_of_the_last_days_without_load_tests(deployment: Deployment) -> None:
    deployment.insert(
        row({"race": "Asian"}, probability=0.1, predicted_at=hours_ago(24 * 8)),
        row({"race": "Other"}, probability=0.2, predicted_at=hours_ago(30)),
        row({"race": "Hispanic"}, probability=0.3, predicted_at=hours_ago(20), model_version="2", patient="p"),
        row({"race": "Asian"}, probability=0.4, predicted_at=hours_ago(10), load_test=True),
    )
    found = read(deployment)

    assert found.probabilities.tolist() == [0.3, 0.2]
    assert found.table["race"].tolist() == ["Hispanic", "Other"]
    assert found.versions.tolist() == ["2", "1"]
    assert found.patients[0] == "p"
    assert len(set(found.patients)) == 2, "unnamed patients are distinct"
    assert found.start == hours_ago(30)
    assert NOW <= found.end <= datetime.now(UTC)
    assert read(deployment, limit=1).probabilities.tolist() == [0.3]
    assert read(deployment, days=1).probabilities.tolist() == [0.3]
    assert found.of_version("1").probabilities.tolist() == [0.2]


def test_only_the_last_prediction_of_an_encounter_counts(deployment: Deployment) -> None:
    deployment.insert(
        row({}, probability=0.1, predicted_at=hours_ago(5), encounter="e"),
        row({}, probability=0.2, predicted_at=hours_ago(3), encounter="e"),
        row({}, probability=0.3, predicted_at=hours_ago(2), encounter="e", load_test=True),
        row({}, probability=0.4, predicted_at=hours_ago(3), encounter="f"),
        row({}, probability=0.5, predicted_at=hours_ago(3), encounter="f"),
        row({}, probability=0.6, predicted_at=hours_ago(4)),
        row({}, probability=0.7, predicted_at=hours_ago(4)),
    )

    assert sorted(read(deployment).probabilities) == [0.2, 0.5, 0.6, 0.7]


def test_patients_who_cannot_be_readmitted_are_excluded(deployment: Deployment) -> None:
    deployment.insert(
        row({"discharge_disposition_id": 11}, probability=0.1),
        row({"discharge_disposition_id": 1}, probability=0.2),
        row({}, probability=0.3),
    )

    assert sorted(read(deployment).probabilities) == [0.2, 0.3]


def test_an_empty_log_gives_an_empty_window_of_the_queried_period(deployment: Deployment) -> None:
    found = read(deployment)

    assert len(found) == 0
    assert found.end - found.start == timedelta(days=7)


def test_an_unreachable_database_raises_a_warehouse_error() -> None:
    unreachable = MlSettings.load(_env_file=None, postgres_port=18499, diabetes_db_password="unused")
    with warehouse(unreachable) as engine, pytest.raises(WarehouseError):
        read_window(engine, 7, 100)
