"""Migrations: upgrade to the declared tables, and downgrade."""

import json
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from infra.local.postgres.cluster import PostgresServer
from ml import migrations
from ml.core.errors import NoDataError, WarehouseError
from ml.core.names import API_ROLE
from ml.core.release import NEWEST_REVISION, OF_THE_TABLES, Release
from ml.core.settings import MlSettings
from ml.data.staging import staging
from ml.warehouse.connection import transaction, warehouse
from ml.warehouse.datasets import read
from ml.warehouse.tables import metadata


@pytest.fixture
def empty(database_settings: dict[str, str]) -> MlSettings:
    return MlSettings.load(_env_file=None, **database_settings)


def tables(engine: sa.Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def recorded(engine: sa.Engine) -> Release:
    with engine.connect() as connection:
        return Release.parse(connection.scalar(sa.text(OF_THE_TABLES)))


def test_an_empty_database_gets_every_table(empty: MlSettings) -> None:
    with warehouse(empty) as engine:
        migrations.upgrade(engine)

        assert tables(engine) == {*metadata.tables, "schema_version"}
        assert {"optuna", "staging"} <= {*sa.inspect(engine).get_schema_names()}
        assert sa.inspect(engine).get_table_names("staging") == ["deliveries"]


def test_migrating_twice_changes_nothing(empty: MlSettings) -> None:
    with warehouse(empty) as engine:
        migrations.upgrade(engine)
        with engine.begin() as connection:
            connection.execute(
                sa.text("INSERT INTO ingestions (source, provenance, content_sha256, rows_accepted, rows_rejected, "
                        "rows_written) VALUES ('uci', 'real', 'x', 1, 0, 1)")
            )  # fmt: skip
        migrations.upgrade(engine)

        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM ingestions")) == 1


def test_a_database_of_the_first_release_is_upgraded_without_loss(empty: MlSettings) -> None:
    with warehouse(empty) as engine:
        migrations.upgrade(engine, "0001")
        assert "gate_decisions" not in tables(engine)
        with engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO train_data (encounter_id, patient_nbr) VALUES (1, 2)"))
        migrations.upgrade(engine)

        assert "gate_decisions" in tables(engine)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT patient_nbr FROM train_data")) == 2


def test_identifiers_move_out_of_the_records_of_earlier_predictions_and_back(empty: MlSettings) -> None:
    records = ['{"race": "Asian", "patient_nbr": 7, "encounter_id": 9}', '{"encounter_id": 8}', '{"race": "Asian"}']
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with warehouse(empty) as engine:
        migrations.upgrade(engine, "0003")
        with engine.begin() as connection:
            for record in records:
                connection.execute(
                    sa.text("INSERT INTO predictions (request_id, position, predicted_at, model_version, data_source, "
                            "record, known_fields, probability, load_test) VALUES "
                            "('r', 0, now(), '1', 'real', CAST(:record AS jsonb), 1, 0.1, false)"),
                    {"record": record},
                )  # fmt: skip
        migrations.upgrade(engine)
        with engine.connect() as connection:
            query = "SELECT patient, encounter, record FROM predictions ORDER BY id"
            moved = [tuple(row) for row in connection.execute(sa.text(query))]
        with transaction(engine) as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0003")
        with engine.connect() as connection:
            back = connection.scalars(sa.text("SELECT record FROM predictions ORDER BY id")).all()

    assert moved == [("7", "9", {"race": "Asian"}), (None, "8", {}), (None, None, {"race": "Asian"})]
    assert list(back) == [json.loads(record) for record in records]


def test_the_access_log_begins_with_the_predictions_and_outcomes_that_are_logged(empty: MlSettings) -> None:
    with warehouse(empty) as engine:
        migrations.upgrade(engine, "0013")
        with engine.begin() as connection:
            for request, patient, encounter in (("a", "p", None), ("b", None, "e"), ("c", None, None)):
                connection.execute(
                    sa.text("INSERT INTO predictions (request_id, position, predicted_at, model_version, data_source, "
                            "record, known_fields, probability, load_test, client, patient, encounter) VALUES "
                            "(:r, 0, now(), '1', 'real', '{}', 1, 0.1, false, 'key:ward', :p, :e)"),
                    {"r": request, "p": patient, "e": encounter},
                )  # fmt: skip
            for request, encounter in (("a", None), ("c", None), (None, "f")):
                connection.execute(
                    sa.text("INSERT INTO outcomes (request_id, encounter, readmitted_within_30_days, known_on, client) "
                            "VALUES (:r, :e, true, now(), 'key:office')"), {"r": request, "e": encounter},
                )  # fmt: skip
        migrations.upgrade(engine)
        with engine.connect() as connection:
            query = "SELECT action, client, request_id, patient, encounter FROM accesses"
            entries = {tuple(row) for row in connection.execute(sa.text(query))}

    assert entries == {
        ("predicted", "key:ward", "a", "p", None),
        ("predicted", "key:ward", "b", None, "e"),
        ("outcome reported", "key:office", "a", "p", None),
        ("outcome reported", "key:office", None, None, "f"),
    }


def test_the_migrated_database_equals_the_declared_tables(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        options = {"version_table": "schema_version", "compare_type": True, "compare_server_default": True}
        difference = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    assert difference == []


def test_migrations_can_be_downgraded(empty: MlSettings) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with warehouse(empty) as engine:
        migrations.upgrade(engine)
        with staging(engine) as stage:
            stage.create("file")
        with transaction(engine) as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")

        assert tables(engine) == {"schema_version"}
        assert not {"optuna", "staging"} & {*sa.inspect(engine).get_schema_names()}
        migrations.upgrade(engine)
        assert "raw_data" in tables(engine)


def test_zero_days_of_retention_let_no_row_expire(empty: MlSettings) -> None:
    with warehouse(empty) as engine:
        migrations.upgrade(engine, prediction_retention_days=30)
        migrations.upgrade(engine, prediction_retention_days=0)
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO outcomes (encounter, readmitted_within_30_days, known_on, client, received_at) "
                    "VALUES ('1', true, now(), 'c', '1999-01-01')"
                )
            )
            assert connection.scalar(sa.text("SELECT delete_expired_rows()")) is False
            assert connection.scalar(sa.text("SELECT count(*) FROM outcomes")) == 1


def test_a_migration_takes_from_the_api_what_a_former_release_granted(empty: MlSettings) -> None:
    with warehouse(empty) as engine:
        migrations.upgrade(engine)
        with engine.begin() as connection:
            connection.execute(sa.text(f"GRANT DELETE ON predictions, outcomes TO {API_ROLE}"))
        migrations.upgrade(engine)

        with engine.connect() as connection:
            may = sa.text("SELECT has_table_privilege(:role, 'outcomes', 'DELETE, UPDATE, TRUNCATE')")
            assert connection.scalar(may, {"role": API_ROLE}) is False


def test_tables_of_other_people_in_the_database_do_not_stop_a_migration(
    empty: MlSettings, postgres_server: PostgresServer
) -> None:
    with closing(postgres_server.connect(empty.diabetes_db_name)) as superuser, superuser.cursor() as cursor:
        cursor.execute(f'CREATE TABLE "somebody\'s own" (id int); GRANT SELECT ON "somebody\'s own" TO {API_ROLE}')
    with warehouse(empty) as engine:
        migrations.upgrade(engine)
        migrations.upgrade(engine)

        with engine.connect() as connection:
            may = sa.text("""SELECT has_table_privilege(:role, '"somebody''s own"', 'SELECT')""")
            assert connection.scalar(may, {"role": API_ROLE}) is True, "it is theirs to decide"


def test_a_database_without_tables_names_the_migration(empty: MlSettings) -> None:
    with (
        warehouse(empty) as engine,
        pytest.raises(WarehouseError, match=r"^The diabetes database has no tables yet: run 'python -m ml migrate'\.$"),
    ):
        read(engine)


def test_a_database_without_encounters_names_the_ingestion(engine: sa.Engine) -> None:
    with pytest.raises(NoDataError, match=r"^There is no training data yet: run ingest_diabetes"):
        read(engine)


def test_a_wrong_password_is_one_sentence_that_names_the_setting(empty: MlSettings) -> None:
    wrong = MlSettings.load(
        _env_file=None,
        postgres_port=empty.postgres_port,
        diabetes_db_name=empty.diabetes_db_name,
        diabetes_db_password="not-the-password",
    )
    with (
        warehouse(wrong) as engine,
        pytest.raises(WarehouseError, match=r"^PostgreSQL refuses DIABETES_DB_PASSWORD for role 'diabetes'") as caught,
    ):
        read(engine)

    assert "not-the-password" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_tables_know_which_release_migrated_them(empty: MlSettings) -> None:
    with warehouse(empty) as engine:
        assert recorded(engine) == Release()
        migrations.upgrade(engine, "0007")
        assert recorded(engine) == Release()
        migrations.upgrade(engine)

        assert recorded(engine) == Release.present()
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT version_num FROM schema_version")) == NEWEST_REVISION


def test_tables_of_a_newer_release_are_refused_and_stay_as_they_are(empty: MlSettings) -> None:
    newer = Release(version="99.0.0", commit="c0ffee", revision="9999")
    with warehouse(empty) as engine:
        migrations.upgrade(engine)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE schema_version SET version_num = '9999'"))
            connection.exec_driver_sql("COMMENT ON TABLE schema_version IS %s", (newer.model_dump_json(),))
        with pytest.raises(WarehouseError, match=r"^The database diabetes has the revision 9999, which this release"):
            migrations.upgrade(engine)

        assert recorded(engine) == newer


def test_an_unreachable_server_is_one_sentence_with_its_address() -> None:
    away = MlSettings.load(_env_file=None, postgres_port=18499, diabetes_db_password="unused")
    with (
        warehouse(away) as engine,
        pytest.raises(WarehouseError, match=r"^PostgreSQL at 127\.0\.0\.1:18499 does not answer: ") as caught,
    ):
        migrations.upgrade(engine)

    assert "\n" not in str(caught.value)
