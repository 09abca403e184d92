"""Drills on the running stack: a fault fires and notifies its alert, and its end resolves it. The order matters."""

from pathlib import Path

import pytest

from infra.local.demo import INGEST, TRAIN
from ml.core.names import SIGNING_KEY
from ml.core.signing.keys import read_signing_key
from tests.faults.load import Load
from tests.faults.models import Models
from tests.integration.api.bundles import RECORDS
from tests.integration.api.conftest import eventually
from tests.observability.conftest import MAX_IN_FLIGHT
from tests.observability.platform import Platform
from tests.support.native import ROOT
from tests.support.traffic import ask, records_of

BATCHES = [RECORDS * 200]
INVALID_GENDER = "Nobody"


def test_a_missing_model_is_notified(platform: Platform) -> None:
    assert platform.predict({"gender": "Female"}) == 503
    platform.wait_for_firing("ApiNoModel")


def test_a_failed_dag_is_notified_until_it_succeeds(platform: Platform) -> None:
    valid = platform.data.read_text()
    platform.data.write_text(valid.replace(",Female,", f",{INVALID_GENDER},"))
    assert platform.run_dag(INGEST) == "failed"
    platform.wait_for_firing("DagRunFailed")
    platform.data.write_text(valid)
    assert platform.run_dag(INGEST) == "success"
    platform.wait_for_resolved("DagRunFailed")


def test_a_promotion_resolves_the_missing_model(platform: Platform) -> None:
    assert platform.run_dag(TRAIN) == "success"
    eventually(platform.is_ready, seconds=60)
    platform.wait_for_resolved("ApiNoModel")
    assert platform.predict({"gender": "Female"}) == 200


def test_a_killed_api_is_notified_until_it_is_ready(platform: Platform) -> None:
    platform.kill("api")
    platform.wait_for_firing("ApiDown")
    platform.start("api")
    eventually(platform.is_ready, seconds=60)
    platform.wait_for_resolved("ApiDown")


def test_mlflow_down_inhibits_the_unreachable_registry(platform: Platform) -> None:
    platform.kill("mlflow")
    platform.wait_for_firing("MlflowDown")
    eventually(lambda: "ModelRegistryUnreachable" in platform.prometheus.firing(), seconds=60)
    eventually(lambda: "ModelRegistryUnreachable" in platform.alerting.inhibited())
    assert "ModelRegistryUnreachable" not in platform.alerting.notified("firing")
    assert platform.predict({"gender": "Male"}) == 200
    platform.start("mlflow")
    platform.wait_for_resolved("MlflowDown")


@pytest.fixture
def models(platform: Platform, tmp_path: Path) -> Models:
    secrets = ROOT / platform.native.environment["LOCAL_DIR"] / "secrets"  # the stack believes its own key only
    return Models(platform.native.url(5000), platform.artifacts, tmp_path, read_signing_key(secrets / SIGNING_KEY))


def test_a_bad_production_version_is_notified_until_its_rollback(platform: Platform, models: Models) -> None:
    good = platform.served()
    models.promote(models.bad(golden_shift=0.001))
    platform.wait_for_firing("ModelLoadFailing", "ModelVersionSkew")
    assert platform.served() == good
    models.promote(good)
    platform.wait_for_resolved("ModelVersionSkew")


def test_a_good_version_is_served_without_a_notification(platform: Platform, models: Models) -> None:
    before, notified = platform.served(), platform.alerting.notified("firing")
    after = models.good(-2.0)
    models.promote(after)
    eventually(lambda: platform.served() == after, seconds=60)
    models.promote(before)
    eventually(lambda: platform.served() == before, seconds=60)
    assert platform.alerting.notified("firing") == notified


def test_a_load_above_capacity_is_notified_while_it_lasts(platform: Platform) -> None:
    with Load(platform.native.url(8000), {}, rate=1_000, requests=BATCHES, threads=5 * MAX_IN_FLIGHT) as load:
        platform.wait_for_firing("ApiOverloaded")
    assert load.shed
    platform.wait_for_resolved("ApiOverloaded")


def test_drift_is_notified_until_the_traffic_is_as_before(platform: Platform) -> None:
    records, api = records_of(platform.data, 1500), platform.native.url(8000)
    ask(api, [record | {"age": "[90-100)"} for record in records])
    platform.monitor()
    platform.wait_for_firing("DriftDetected")
    platform.delete_predictions()
    ask(api, records)
    platform.monitor()
    platform.wait_for_resolved("DriftDetected")


def test_a_refused_version_is_resolved_after_its_range(platform: Platform) -> None:
    platform.wait_for_resolved("ModelLoadFailing")
