"""The DAG that scores stored records, on a real Airflow: its parameters, and a run whose worker is killed."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.registry.client import Registry
from tests.integration.api.bundles import write_bundle
from tests.integration.dags.dag_runs import environment_of, run_dags
from tests.integration.ml.databases import count, fresh_database, ingest_file
from tests.integration.ml.registries import empty, register_bundle
from tests.support.airflow_home import Airflow
from tests.support.signing import approve

DAG = "score_diabetes"
AGAIN = f"{DAG}!!score"
ROWS = 600


@pytest.fixture(scope="module")
def platform(
    environment: dict[str, str],
    postgres_server: PostgresServer,
    mlflow_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Airflow, sa.Engine, Path]]:
    """The DAGs with encounters, a version in production, and the folder of their files."""
    folder = tmp_path_factory.mktemp("score")
    write_csv(folder / "delivered.csv", ROWS, seed=296)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        empty(mlflow_server)
        ingest_file(engine, Delivery("file", folder / "delivered.csv"))
        registry = Registry(settings)
        number = register_bundle(registry, write_bundle(folder / "bundle")).number
        approve(registry, number)
        registry.set_alias("production", number)
        airflow = Airflow(environment | environment_of(settings) | {"DATA_DIR": str(folder)})
        airflow.run("-m", "airflow", "db", "migrate")
        yield airflow, engine, folder
        empty(mlflow_server)


def test_a_run_whose_worker_is_killed_is_continued_and_a_second_run_changes_nothing(
    platform: tuple[Airflow, sa.Engine, Path],
) -> None:
    airflow, engine, _folder = platform
    step = "after the only part is in the table"
    airflow.run("-m", "tests.support.killed", step, "tests.support.run_dags", DAG, status=-signal.SIGKILL)
    again, second = run_dags(airflow, AGAIN, DAG)

    for run in (again, second):
        assert run.state == "success", run.log[-3000:]
        assert f"Continuing after {ROWS} records" in run.log
    assert count(engine, "scores") == ROWS
    with engine.connect() as connection:
        (actor,) = connection.scalars(sa.text("SELECT actor FROM scorings WHERE finished_at IS NOT NULL")).all()
    assert actor.startswith("Airflow: score_diabetes manual__") or "@Airflow: score_diabetes manual__" in actor


def test_files_of_the_data_folder_are_scored_and_others_are_refused_without_a_retry(
    platform: tuple[Airflow, sa.Engine, Path],
) -> None:
    airflow, _engine, folder = platform
    (folder / "data").mkdir(exist_ok=True)
    (folder / "link").symlink_to("/etc")
    done, refused, missing = run_dags(
        airflow,
        f'{DAG}={{"source": "delivered.csv", "target": "scores of a file"}}',
        f'{DAG}={{"source": "link/hostname"}}',
        f'{DAG}={{"source": "nowhere.csv"}}',
    )

    assert done.state == "success", done.log[-3000:]
    assert (folder / "scores of a file" / "part-000000.parquet").exists()
    assert refused.state == missing.state == "failed"
    assert "link/hostname is not below" in refused.log
    assert "nowhere.csv does not exist" in missing.log
    assert "up_for_retry" not in refused.log + missing.log
