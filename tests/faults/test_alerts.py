"""Faults make the expressions of their alert rules true in a real Prometheus."""

from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.conftest import StartApi
from tests.faults.link import linked
from tests.faults.models import Models
from tests.faults.servers import MlflowServer
from tests.faults.watching import answer, refusal
from tests.integration.api.conftest import eventually
from tests.support.prometheus import Prometheus, running_prometheus
from tests.unit.infra.prometheus.prometheus_files import alerts


def test_a_refused_version_an_unreachable_registry_and_a_full_log_make_their_alerts_true(
    mlflow: MlflowServer, models: Models, first: str, start_api: StartApi, tmp_path: Path
) -> None:
    models.promote(first)
    with linked(mlflow.url) as link:
        settings = {"MODEL_POLL_SECONDS": "1", "PREDICTION_LOG": "true", "PREDICTION_LOG_QUEUE": "1"}
        api = start_api(link.url, **settings)
        api.wait_until_ready()
        address = urlsplit(api.url).netloc
        with running_prometheus(tmp_path / "prometheus", {"api": address}) as prometheus:
            names = ("ModelLoadFailing", "ModelVersionSkew", "ModelRegistryUnreachable", "PredictionLogDropping")
            assert [name for name in names if _is_true(prometheus, name)] == []

            number = models.bad(golden_shift=0.001)
            models.promote(number)
            eventually(lambda: (refusal(api) or {}).get("version") == number)
            eventually(lambda: _is_true(prometheus, "ModelLoadFailing"))
            eventually(lambda: _is_true(prometheus, "ModelVersionSkew"))

            for _ in range(5):
                answer(api)
            eventually(lambda: _is_true(prometheus, "PredictionLogDropping"))

            link.silent.set()
            eventually(lambda: _is_true(prometheus, "ModelRegistryUnreachable"))
            link.silent.clear()


def _is_true(prometheus: Prometheus, alert: str) -> bool:
    """Whether the rule's expression returns a series; its waiting time is left out."""
    (expression,) = (rule["expr"] for rule in alerts() if rule["alert"] == alert)
    return prometheus.values(expression) != {}
