"""Which logged predictions the monitoring looks at."""

from datetime import UTC, datetime, timedelta

import pytest

from ml.core.errors import WarehouseError
from ml.core.settings import MlSettings
from ml.monitoring.window import Window, read_window
from ml.warehouse.connection import warehouse
from tests.integration.ml.monitoring.drift.field import Field, row

NOW = datetime.now(UTC)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def looked_at(field: Field, days: float = 7, most: int = 1_000) -> Window:
    return read_window(field.engine, days, most)


def test_only_the_newest_of_the_last_days_count_and_none_of_a_load_test(field: Field) -> None:
    field.log(
        row({"race": "Asian"}, probability=0.1, predicted_at=hours_ago(24 * 8)),
        row({"race": "Other"}, probability=0.2, predicted_at=hours_ago(30)),
        row({"race": "Hispanic"}, probability=0.3, predicted_at=hours_ago(20), model_version="2", patient="p"),
        row({"race": "Asian"}, probability=0.4, predicted_at=hours_ago(10), load_test=True),
    )
    found = looked_at(field)

    assert found.probabilities.tolist() == [0.3, 0.2]
    assert found.table["race"].tolist() == ["Hispanic", "Other"]
    assert found.versions.tolist() == ["2", "1"]
    assert found.patients[0] == "p"
    assert len(set(found.patients)) == 2, "nobody is known to be the same person"
    assert found.start == hours_ago(30)
    assert NOW <= found.end <= datetime.now(UTC)
    assert looked_at(field, most=1).probabilities.tolist() == [0.3]
    assert looked_at(field, days=1).probabilities.tolist() == [0.3]
    assert found.of_version("1").probabilities.tolist() == [0.2]


def test_of_an_encounter_that_was_asked_about_again_the_last_prediction_counts(field: Field) -> None:
    field.log(
        row({}, probability=0.1, predicted_at=hours_ago(5), encounter="e"),
        row({}, probability=0.2, predicted_at=hours_ago(3), encounter="e"),
        row({}, probability=0.3, predicted_at=hours_ago(2), encounter="e", load_test=True),
        row({}, probability=0.4, predicted_at=hours_ago(3), encounter="f"),
        row({}, probability=0.5, predicted_at=hours_ago(3), encounter="f"),
        row({}, probability=0.6, predicted_at=hours_ago(4)),
        row({}, probability=0.7, predicted_at=hours_ago(4)),
    )

    assert sorted(looked_at(field).probabilities) == [0.2, 0.5, 0.6, 0.7]


def test_those_who_cannot_be_readmitted_are_left_out_like_of_the_reference(field: Field) -> None:
    field.log(
        row({"discharge_disposition_id": 11}, probability=0.1),
        row({"discharge_disposition_id": 1}, probability=0.2),
        row({}, probability=0.3),
    )

    assert sorted(looked_at(field).probabilities) == [0.2, 0.3]


def test_an_empty_log_is_an_empty_window_of_the_days_asked_for(field: Field) -> None:
    found = looked_at(field)

    assert len(found) == 0
    assert found.end - found.start == timedelta(days=7)


def test_a_database_that_is_away_is_told_in_one_sentence() -> None:
    away = MlSettings.load(_env_file=None, postgres_port=18499, diabetes_db_password="unused")
    with warehouse(away) as engine, pytest.raises(WarehouseError, match=r"^PostgreSQL at 127\.0\.0\.1:18499 does not"):
        read_window(engine, 7, 100)
