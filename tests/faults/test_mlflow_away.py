"""MLflow stops, stays away, hangs: predictions do not notice, and the metrics tell."""

import shutil
import time
from pathlib import Path

from ml.core.bundle import MODEL_FILE
from tests.faults.conftest import StartApi
from tests.faults.durations import FAULT_SECONDS
from tests.faults.link import linked
from tests.faults.load import Load
from tests.faults.models import Models
from tests.faults.servers import MlflowServer
from tests.faults.watching import answer, metric, near, served
from tests.integration.api.bundles import expected
from tests.integration.api.conftest import eventually
from tests.integration.api.process import ApiProcess

OFTEN = {"MODEL_POLL_SECONDS": "1"}


def test_mlflow_away_costs_no_prediction_and_a_start_meanwhile_serves_the_cached_model(
    mlflow: MlflowServer, models: Models, first: str, second: str, start_api: StartApi, tmp_path: Path
) -> None:
    models.promote(first)
    api = start_api(mlflow.url, **OFTEN)
    api.wait_until_ready()
    eventually((tmp_path / "cache" / "current.json").exists)

    with Load(api.url, models.truth) as load:
        with mlflow.away():
            stopped = time.time()
            eventually(lambda: metric(api, "model_registry_reachable") == 0)
            restarted = _start_beside(start_api, mlflow.url, tmp_path, "restarted")
            assert served(restarted) == first
            assert answer(restarted) == near(expected({}, models.truth[first]))
            _damaged_cache_is_refused(start_api, mlflow.url, tmp_path)
            time.sleep(max(stopped + FAULT_SECONDS - time.time(), 0))
            age = time.time() - metric(api, "model_last_reload_timestamp_seconds")
            assert age >= time.time() - stopped - 0.5  # staleness rises by a second each second
            assert "MLflow cannot be reached" in api.client.get("/model").json()["registry"]["error"]

        models.promote(second)
        for one in (api, restarted):
            eventually(lambda one=one: served(one) == second, seconds=15)
            assert metric(one, "model_registry_reachable") == 1
        assert time.time() - metric(api, "model_last_reload_timestamp_seconds") < 5
        eventually(lambda: load.versions[second] > 0)

    load.assert_flawless()
    assert set(load.versions) == {first, second}


def test_mlflow_that_takes_connections_and_never_answers_costs_no_prediction(
    mlflow: MlflowServer, models: Models, first: str, second: str, start_api: StartApi
) -> None:
    models.promote(first)
    with linked(mlflow.url) as link:
        api = start_api(link.url, **OFTEN)
        api.wait_until_ready()
        with Load(api.url, models.truth) as load:
            link.silent.set()
            eventually(lambda: metric(api, "model_registry_reachable") == 0)
            assert served(api) == first

            link.silent.clear()
            models.promote(second)
            eventually(lambda: served(api) == second, seconds=15)

    load.assert_flawless()


def _start_beside(start_api: StartApi, mlflow_url: str, folder: Path, name: str) -> ApiProcess:
    """Another service, with a copy of the first one's cache."""
    shutil.copytree(folder / "cache", folder / name / "cache")
    return start_api(mlflow_url, folder / name, **OFTEN)


def _damaged_cache_is_refused(start_api: StartApi, mlflow_url: str, folder: Path) -> None:
    shutil.copytree(folder / "cache", folder / "damaged" / "cache")
    (cached,) = (folder / "damaged" / "cache").glob(f"version-*/{MODEL_FILE}")
    cached.write_bytes(cached.read_bytes()[:-1] + b"?")

    damaged = start_api(mlflow_url, folder / "damaged", **OFTEN)

    assert damaged.client.get("/health").status_code == 200
    eventually(lambda: "the cached model is not served: " in damaged.client.get("/ready").json()["detail"])
    assert damaged.client.get("/ready").status_code == 503
    assert metric(damaged, 'model_load_failures_total{reason="cache"}') == 1
    damaged.process.kill()
