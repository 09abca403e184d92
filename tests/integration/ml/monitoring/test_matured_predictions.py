"""Which predictions count, and which outcomes, on a real PostgreSQL."""

import logging

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from ml.core.errors import WarehouseError
from ml.core.settings import MlSettings
from ml.monitoring.matured_predictions import Mature, mature
from ml.warehouse.connection import warehouse
from tests.integration.ml.monitoring.logged import HASHES, KEY, days_ago, deliver, log, tell

World = tuple[MlSettings, sa.Engine]


def found(world: World, key: str = KEY) -> dict[str, Mature]:
    settings = world[0].model_copy(update={"prediction_log_key": SecretStr(key)})
    return {part.version: part for part in mature(world[1], settings)}


def outcomes(part: Mature) -> list[bool | None]:
    """The newest first; None where it is unknown."""
    return [bool(label) if known else None for label, known in zip(part.labels, part.known, strict=True)]


def test_a_prediction_counts_from_its_thirtieth_day(world: World, engine: sa.Engine) -> None:
    ages = (0, 29.9, 30.1, 300)
    log(engine, *[{"predicted_at": days_ago(age), "probability": age / 1000} for age in ages])
    tell(engine, *[(f"r-{number}", True) for number in range(4)])

    assert found(world)["1"].probabilities.tolist() == pytest.approx([0.0301, 0.3])


def test_the_age_is_a_setting(world: World, engine: sa.Engine) -> None:
    log(engine, {"predicted_at": days_ago(40)}, {"predicted_at": days_ago(80)})

    assert len(mature(engine, world[0].model_copy(update={"outcome_maturity_days": 60}))[0]) == 1


def test_what_nobody_told_is_unknown_and_not_negative(world: World, engine: sa.Engine) -> None:
    log(engine, {}, {}, {}, {})
    tell(engine, ("r-0", True), ("r-1", False), ("r-1", False))
    part = found(world)["1"]

    assert sorted(map(str, outcomes(part))) == ["False", "None", "None", "True"]
    assert part.coverage == 0.5


def test_a_correction_counts_and_what_it_corrects_does_not(world: World, engine: sa.Engine) -> None:
    log(engine, {})
    tell(engine, ("r-0", False), ("r-0", True))

    assert outcomes(found(world)["1"]) == [True]


def test_load_tests_never_count(world: World, engine: sa.Engine) -> None:
    log(engine, {"load_test": True, "model_version": "2"}, {"load_test": True}, {"probability": 0.3})
    tell(engine, ("r-0", True), ("r-1", True), ("r-2", True))
    part = found(world)

    assert set(part) == {"1"}
    assert part["1"].probabilities.tolist() == [0.3]


def test_patients_who_cannot_return_do_not_count(world: World, engine: sa.Engine) -> None:
    log(engine, *[{"record": {"discharge_disposition_id": code}, "probability": code / 100} for code in (1, 11, 13)])

    assert found(world)["1"].probabilities.tolist() == [0.01]


def test_of_an_encounter_each_versions_last_prediction_counts(world: World, engine: sa.Engine) -> None:
    again = {"encounter": "e", "predicted_at": days_ago(50)}
    log(
        engine,
        {**again, "probability": 0.1},
        {**again, "probability": 0.2, "predicted_at": days_ago(45)},
        {**again, "probability": 0.3, "predicted_at": days_ago(40), "load_test": True},
        {**again, "probability": 0.4, "model_version": "2"},
        {"probability": 0.5},
        {"probability": 0.5},
    )
    part = found(world)

    assert sorted(part["1"].probabilities.tolist()) == [0.2, 0.5, 0.5]
    assert part["2"].probabilities.tolist() == [0.4]


def test_an_encounter_that_was_predicted_again_lately_is_not_mature(world: World, engine: sa.Engine) -> None:
    log(engine, {"encounter": "e"}, {"encounter": "e", "predicted_at": days_ago(3)})

    assert found(world) == {}


def test_subgroups_and_patients_are_read_from_the_log(world: World, engine: sa.Engine) -> None:
    log(
        engine,
        {"record": {"gender": "Female", "age": "[60-70)"}, "patient": "p", "predicted_at": days_ago(41)},
        {"record": {"race": "Asian"}, "patient": "p", "predicted_at": days_ago(42)},
        {"predicted_at": days_ago(43)},
        {"predicted_at": days_ago(44)},
    )
    part = found(world)["1"]

    assert part.groups["gender"].tolist() == ["Female", None, None, None]
    assert part.groups["age"].tolist() == ["[60-70)", None, None, None]
    assert part.groups["race"].tolist() == [None, "Asian", None, None]
    assert part.patients.tolist() == [0, 0, 1, 2]


def test_newly_ingested_encounters_tell_the_outcome_of_their_predictions(world: World, engine: sa.Engine) -> None:
    log(
        engine,
        {"encounter": HASHES.encounter(1), "predicted_at": days_ago(41)},
        {"encounter": "2", "predicted_at": days_ago(42)},
        {"encounter": HASHES.encounter(3), "predicted_at": days_ago(43)},
        {"encounter": HASHES.encounter(99), "predicted_at": days_ago(44)},
    )
    deliver(
        engine,
        [
            {"encounter_id": 1, "readmitted": "<30"},
            {"encounter_id": 2, "readmitted": ">30"},
            {"encounter_id": 3, "readmitted": "NO"},
            {"encounter_id": 4, "readmitted": "<30"},
        ],
    )

    assert outcomes(found(world)["1"]) == [True, False, False, None]


def test_without_the_key_only_plain_numbers_are_found_and_that_is_said(
    world: World, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    log(engine, {"encounter": HASHES.encounter(1), "predicted_at": days_ago(41)}, {"encounter": "2"})
    deliver(engine, [{"encounter_id": 1, "readmitted": "<30"}, {"encounter_id": 2, "readmitted": "<30"}])

    with caplog.at_level(logging.WARNING):
        assert outcomes(found(world, key="")["1"]) == [True, None]
    assert "PREDICTION_LOG_KEY is not set here" in caplog.text
    caplog.clear()
    assert outcomes(found(world, key="another key of 16")["1"]) == [True, None]
    assert caplog.text == ""


def test_what_was_there_before_the_prediction_is_no_outcome(world: World, engine: sa.Engine) -> None:
    log(engine, {"encounter": "1", "predicted_at": days_ago(40)}, {"encounter": "1", "model_version": "2"})
    log(engine, {"encounter": "1", "model_version": "3", "predicted_at": days_ago(60)})
    deliver(engine, [{"encounter_id": 1, "readmitted": "<30"}], ingested_at=days_ago(50))

    assert {version: outcomes(part) for version, part in found(world).items()} == {
        "1": [None],
        "2": [None],
        "3": [True],
    }


def test_neither_are_encounters_that_a_simulation_replays_nor_those_outside_the_cohort(
    world: World, engine: sa.Engine
) -> None:
    log(engine, {"encounter": "1", "request_id": "sim-0-0"}, {"encounter": "2"})
    deliver(
        engine,
        [
            {"encounter_id": 1, "readmitted": "<30"},
            {"encounter_id": 2, "readmitted": "NO", "discharge_disposition_id": 11},
        ],
    )

    assert outcomes(found(world)["1"]) == [None, None]


def test_what_was_told_counts_before_what_was_delivered(world: World, engine: sa.Engine) -> None:
    log(engine, {"encounter": "1"})
    tell(engine, ("r-0", False))
    deliver(engine, [{"encounter_id": 1, "readmitted": "<30"}])

    assert outcomes(found(world)["1"]) == [False]


def test_an_empty_log_has_nothing_mature(world: World) -> None:
    assert found(world) == {}


def test_postgresql_being_away_is_told_in_one_sentence() -> None:
    away = MlSettings.load(_env_file=None, postgres_port=18499, diabetes_db_password="unused")
    with warehouse(away) as engine, pytest.raises(WarehouseError, match=r"^PostgreSQL at 127\.0\.0\.1:18499 does not"):
        mature(engine, away)
