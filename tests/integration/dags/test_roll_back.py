"""A rollback by Airflow whose worker is killed: the run goes back once, however often it is run again."""

import signal
from collections.abc import Iterator

import pytest

from infra.local.postgres.cluster import PostgresServer
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.promotion.ledger import Action
from ml.registry.client import Registry
from ml.training.models import RANDOM_FOREST, fit
from ml.warehouse.datasets import read
from tests.integration.dags.dag_runs import environment_of, run_dags
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.promotion.gates import Gate
from tests.integration.ml.registries import bundle_of, empty
from tests.support.airflow_home import Airflow

DAG = "roll_back_model"
AGAIN = f"{DAG}!!roll_back"
"""The task of the latest run is cleared."""
BEFORE = f"{DAG}!2!roll_back"
"""The task of the run before that is cleared."""


@pytest.fixture(scope="module")
def platform(
    environment: dict[str, str],
    postgres_server: PostgresServer,
    mlflow_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Airflow, Gate]]:
    """The DAGs with a registry and a ledger of their own, and five equal versions."""
    folder = tmp_path_factory.mktemp("rollback")
    write_csv(folder / "cohort.csv", 3_000, seed=296)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        empty(mlflow_server)
        ingest_file(engine, Delivery("file", folder / "cohort.csv"))
        data = read(engine)
        model = fit(RANDOM_FOREST, {"n_estimators": 5}, data.train, 1, masked=0)
        bundle = bundle_of(model, data.test, tmp_path_factory.mktemp("bundle"))
        gate = Gate(settings, engine, Registry(settings))
        for _ in range(5):
            gate.add(bundle)
        airflow = Airflow(environment | environment_of(settings))
        airflow.run("-m", "airflow", "db", "migrate")
        yield airflow, gate
        empty(mlflow_server)


def rollbacks(gate: Gate) -> list[tuple[str | None, str | None]]:
    """Target and withdrawn version of each rollback that took effect since the latest promotion."""
    entries = gate.entries
    begin = max(number for number, entry in enumerate(entries) if entry.action is Action.PROMOTED)
    return [(entry.version, entry.incumbent) for entry in entries[begin + 1 :] if entry.completed_at]


@pytest.fixture
def promoted(platform: tuple[Airflow, Gate]) -> tuple[Airflow, Gate]:
    """Versions 1 to 5 were promoted one after the other."""
    airflow, gate = platform
    for number in map(str, range(1, 6)):
        gate.registry.delete_tag(number, "gate.rolled_back")
        gate.approve(number)
    return airflow, gate


@pytest.mark.parametrize("step", ["after the ledger", "after the tags"])  # test_commands.py has all
def test_a_run_whose_worker_is_killed_goes_back_once_and_a_new_run_one_further(
    promoted: tuple[Airflow, Gate], step: str
) -> None:
    airflow, gate = promoted
    airflow.run("-m", "tests.support.killed", step, "tests.support.run_dags", DAG, status=-signal.SIGKILL)
    again, once_more, further, earlier = run_dags(airflow, AGAIN, AGAIN, DAG, BEFORE)

    for run in (again, once_more):
        assert run.state == "success", run.log[-3000:]
    assert (
        "production is version 4 again, since an earlier attempt of this run; version 5 is withdrawn" in once_more.log
    )
    assert further.state == "success", further.log[-3000:]
    assert "production is version 3 again; version 4 is withdrawn" in further.log
    assert gate.production == "3"
    assert {"gate.rolled_back"} <= gate.tags("5").keys() & gate.tags("4").keys()
    assert rollbacks(gate) == [("4", "5"), ("3", "4")]
    # An old run that is cleared undoes no later decision.
    assert earlier.state == "failed"
    assert "version 3 is in production since; nothing was changed. Start another run" in earlier.log
    assert "up_for_retry" not in earlier.log
    assert gate.production == "3"
