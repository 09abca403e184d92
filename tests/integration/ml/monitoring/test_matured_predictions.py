"""Which predictions and outcomes count, on a real PostgreSQL."""

import logging
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from ml.core.errors import WarehouseError
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.monitoring.matured_predictions import MaturedPredictions, read_matured_predictions
from ml.warehouse.connection import warehouse
from ml.warehouse.tables import raw_data
from tests.integration.ml.databases import ingest_file
from tests.integration.ml.monitoring.prediction_log import (
    HASHES,
    KEY,
    days_ago,
    ingest_encounters,
    log_predictions,
    report_outcomes,
)
from tests.unit.ml.tables import write_delivery

World = tuple[MlSettings, sa.Engine]


def matured(world: World, key: str = KEY) -> dict[str, MaturedPredictions]:
    settings = world[0].model_copy(update={"prediction_log_key": SecretStr(key)})
    return {part.version: part for part in read_matured_predictions(world[1], settings)}


def outcomes(part: MaturedPredictions) -> list[bool | None]:
    """The newest first; None where unknown."""
    return [bool(label) if known else None for label, known in zip(part.labels, part.known, strict=True)]


def test_a_prediction_matures_after_thirty_days(world: World, engine: sa.Engine) -> None:
    ages = (0, 29.9, 30.1, 300)
    log_predictions(engine, *[{"predicted_at": days_ago(age), "probability": age / 1000} for age in ages])
    report_outcomes(engine, *[(f"r-{number}", True) for number in range(4)])

    assert matured(world)["1"].probabilities.tolist() == pytest.approx([0.0301, 0.3])


def test_the_maturity_age_is_a_setting(world: World, engine: sa.Engine) -> None:
    log_predictions(engine, {"predicted_at": days_ago(40)}, {"predicted_at": days_ago(80)})

    assert len(read_matured_predictions(engine, world[0].model_copy(update={"outcome_maturity_days": 60}))[0]) == 1


def test_an_unreported_outcome_is_unknown_and_not_negative(world: World, engine: sa.Engine) -> None:
    log_predictions(engine, {}, {}, {}, {})
    report_outcomes(engine, ("r-0", True), ("r-1", False), ("r-1", False))
    part = matured(world)["1"]

    assert sorted(map(str, outcomes(part))) == ["False", "None", "None", "True"]
    assert part.coverage == 0.5


def test_a_corrected_outcome_replaces_the_earlier_one(world: World, engine: sa.Engine) -> None:
    log_predictions(engine, {})
    report_outcomes(engine, ("r-0", False), ("r-0", True))

    assert outcomes(matured(world)["1"]) == [True]


def test_load_tests_are_excluded(world: World, engine: sa.Engine) -> None:
    log_predictions(engine, {"load_test": True, "model_version": "2"}, {"load_test": True}, {"probability": 0.3})
    report_outcomes(engine, ("r-0", True), ("r-1", True), ("r-2", True))
    part = matured(world)

    assert set(part) == {"1"}
    assert part["1"].probabilities.tolist() == [0.3]


def test_patients_who_cannot_be_readmitted_are_excluded(world: World, engine: sa.Engine) -> None:
    log_predictions(
        engine, *[{"record": {"discharge_disposition_id": code}, "probability": code / 100} for code in (1, 11, 13)]
    )

    assert matured(world)["1"].probabilities.tolist() == [0.01]


def test_a_correction_of_an_encounter_that_was_ingested_before_the_prediction_is_no_outcome(
    world: World, engine: sa.Engine, tmp_path: Path
) -> None:
    def deliver(**changes: Any) -> None:
        rows = [{"encounter_id": 1, "patient_nbr": 1, "readmitted": "NO", **changes}]
        ingest_file(engine, Delivery("file", write_delivery(tmp_path / "delivered.csv", rows)))

    deliver()
    with engine.begin() as connection:
        connection.execute(raw_data.update().values(ingested_at=days_ago(50)))
    log_predictions(engine, {"encounter": "1", "predicted_at": days_ago(40)})
    for change in ({"race": "Asian"}, {"readmitted": "<30"}):
        deliver(**change)
        assert outcomes(matured(world)["1"]) == [None]


def test_the_first_prediction_of_an_encounter_and_version_counts(world: World, engine: sa.Engine) -> None:
    again = {"encounter": "e", "predicted_at": days_ago(50)}
    log_predictions(
        engine,
        {**again, "probability": 0.1, "predicted_at": days_ago(45)},
        {**again, "probability": 0.2},
        {**again, "probability": 0.3, "predicted_at": days_ago(60), "load_test": True},
        {**again, "probability": 0.4, "model_version": "2"},
        {"probability": 0.5},
        {"probability": 0.5},
    )
    part = matured(world)

    assert sorted(part["1"].probabilities.tolist()) == [0.2, 0.5, 0.5]
    assert part["2"].probabilities.tolist() == [0.4]


@pytest.mark.parametrize("days", [3, 35], ids=["recently", "more than 30 days ago"])
def test_scoring_encounters_again_does_not_erase_their_outcomes(world: World, engine: sa.Engine, days: float) -> None:
    encounters = [str(number) for number in range(1, 21)]
    log_predictions(engine, *[{"encounter": one, "predicted_at": days_ago(60)} for one in encounters])
    ingest_encounters(
        engine, [{"encounter_id": int(one), "readmitted": "<30"} for one in encounters], ingested_at=days_ago(40)
    )
    log_predictions(
        engine,
        *[{"encounter": one, "predicted_at": days_ago(days), "request_id": f"again-{one}"} for one in encounters],
    )

    assert outcomes(matured(world)["1"]) == [True] * 20


def test_subgroups_and_patients_are_read_from_the_log(world: World, engine: sa.Engine) -> None:
    log_predictions(
        engine,
        {"record": {"gender": "Female", "age": "[60-70)"}, "patient": "p", "predicted_at": days_ago(41)},
        {"record": {"race": "Asian"}, "patient": "p", "predicted_at": days_ago(42)},
        {"predicted_at": days_ago(43)},
        {"predicted_at": days_ago(44)},
    )
    part = matured(world)["1"]

    assert part.groups["gender"].tolist() == ["Female", None, None, None]
    assert part.groups["age"].tolist() == ["[60-70)", None, None, None]
    assert part.groups["race"].tolist() == [None, "Asian", None, None]
    assert part.patients.tolist() == [0, 0, 1, 2]


def test_newly_ingested_encounters_give_outcomes(world: World, engine: sa.Engine) -> None:
    log_predictions(
        engine,
        {"encounter": HASHES.encounter(1), "predicted_at": days_ago(41)},
        {"encounter": "2", "predicted_at": days_ago(42)},
        {"encounter": HASHES.encounter(3), "predicted_at": days_ago(43)},
        {"encounter": HASHES.encounter(99), "predicted_at": days_ago(44)},
    )
    ingest_encounters(
        engine,
        [
            {"encounter_id": 1, "readmitted": "<30"},
            {"encounter_id": 2, "readmitted": ">30"},
            {"encounter_id": 3, "readmitted": "NO"},
            {"encounter_id": 4, "readmitted": "<30"},
        ],
    )

    assert outcomes(matured(world)["1"]) == [True, False, False, None]


def test_without_the_key_only_plain_numbers_are_matched_with_a_warning(
    world: World, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    log_predictions(engine, {"encounter": HASHES.encounter(1), "predicted_at": days_ago(41)}, {"encounter": "2"})
    ingest_encounters(engine, [{"encounter_id": 1, "readmitted": "<30"}, {"encounter_id": 2, "readmitted": "<30"}])

    with caplog.at_level(logging.WARNING):
        assert outcomes(matured(world, key="")["1"]) == [True, None]
    assert "PREDICTION_LOG_KEY is not set here" in caplog.text
    caplog.clear()
    assert outcomes(matured(world, key="another key of 16")["1"]) == [True, None]
    assert caplog.text == ""


def test_an_encounter_ingested_before_the_prediction_is_not_an_outcome(world: World, engine: sa.Engine) -> None:
    log_predictions(engine, {"encounter": "1", "predicted_at": days_ago(40)}, {"encounter": "1", "model_version": "2"})
    log_predictions(engine, {"encounter": "1", "model_version": "3", "predicted_at": days_ago(60)})
    ingest_encounters(engine, [{"encounter_id": 1, "readmitted": "<30"}], ingested_at=days_ago(50))

    assert {version: outcomes(part) for version, part in matured(world).items()} == {
        "1": [None],
        "2": [None],
        "3": [True],
    }


def test_simulated_predictions_and_encounters_outside_the_cohort_have_no_ingested_outcome(
    world: World, engine: sa.Engine
) -> None:
    log_predictions(engine, {"encounter": "1", "request_id": "sim-0-0"}, {"encounter": "2"})
    ingest_encounters(
        engine,
        [
            {"encounter_id": 1, "readmitted": "<30"},
            {"encounter_id": 2, "readmitted": "NO", "discharge_disposition_id": 11},
        ],
    )

    assert outcomes(matured(world)["1"]) == [None, None]


def test_a_reported_outcome_takes_precedence_over_an_ingested_one(world: World, engine: sa.Engine) -> None:
    log_predictions(engine, {"encounter": "1"})
    report_outcomes(engine, ("r-0", False))
    ingest_encounters(engine, [{"encounter_id": 1, "readmitted": "<30"}])

    assert outcomes(matured(world)["1"]) == [False]


def test_an_empty_log_has_no_matured_predictions(world: World) -> None:
    assert matured(world) == {}


def test_an_unreachable_database_raises_a_warehouse_error() -> None:
    unreachable = MlSettings.load(_env_file=None, postgres_port=18499, diabetes_db_password="unused")
    with warehouse(unreachable) as engine, pytest.raises(WarehouseError):
        read_matured_predictions(engine, unreachable)
