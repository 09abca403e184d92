"""Real faults on the running stack: the alert fires, is told, and ends when the fault does. In this order."""

from pathlib import Path

import pytest

from infra.local.demo import INGEST, TRAIN
from tests.faults.load import Load
from tests.faults.models import Models
from tests.integration.api.bundles import RECORDS
from tests.integration.api.conftest import eventually
from tests.observability.conftest import PLACES
from tests.observability.watched import Platform
from tests.support.traffic import ask, records_of

BATCHES = [RECORDS * 200]
BROKEN = "Nobody"
"""No value of the column gender."""


def test_without_a_model_somebody_is_told(platform: Platform) -> None:
    assert platform.predict({"gender": "Female"}) == 503
    platform.fires("ApiNoModel")


def test_a_dag_that_fails_is_told_until_it_succeeds(platform: Platform) -> None:
    sound = platform.data.read_text()
    platform.data.write_text(sound.replace(",Female,", f",{BROKEN},"))
    assert platform.run_dag(INGEST) == "failed"
    platform.fires("DagRunFailed")
    platform.data.write_text(sound)
    assert platform.run_dag(INGEST) == "success"
    platform.ends("DagRunFailed")


def test_a_promoted_model_ends_the_alert(platform: Platform) -> None:
    assert platform.run_dag(TRAIN) == "success"
    eventually(platform.is_ready, seconds=60)
    platform.ends("ApiNoModel")
    assert platform.predict({"gender": "Female"}) == 200


def test_a_killed_api_is_told_once_and_not_all_that_follows(platform: Platform) -> None:
    platform.kill("api")
    platform.fires("ApiDown")
    platform.start("api")
    eventually(platform.is_ready, seconds=60)
    platform.ends("ApiDown")


def test_mlflow_down_is_told_and_the_unreachable_registry_is_not(platform: Platform) -> None:
    platform.kill("mlflow")
    platform.fires("MlflowDown")
    eventually(lambda: "ModelRegistryUnreachable" in platform.prometheus.firing(), seconds=60)
    eventually(lambda: "ModelRegistryUnreachable" in platform.alerting.inhibited())
    assert "ModelRegistryUnreachable" not in platform.alerting.notified("firing")
    assert platform.predict({"gender": "Male"}) == 200
    platform.start("mlflow")
    platform.ends("MlflowDown")


@pytest.fixture
def models(platform: Platform, tmp_path: Path) -> Models:
    return Models(platform.native.url(5000), platform.artifacts, tmp_path)


def test_a_bad_version_in_production_is_told_until_it_is_rolled_back(platform: Platform, models: Models) -> None:
    good = platform.served()
    models.promote(models.bad(golden_shift=0.001))
    platform.fires("ModelLoadFailing", "ModelVersionSkew")
    assert platform.served() == good
    models.promote(good)
    platform.ends("ModelVersionSkew")


def test_a_good_version_is_served_and_nobody_is_told(platform: Platform, models: Models) -> None:
    before, told = platform.served(), len(platform.alerting.notified("firing"))
    after = models.good(-2.0)
    models.promote(after)
    eventually(lambda: platform.served() == after, seconds=60)
    models.promote(before)
    eventually(lambda: platform.served() == before, seconds=60)
    assert len(platform.alerting.notified("firing")) == told


def test_a_load_above_capacity_is_told_while_it_lasts(platform: Platform) -> None:
    with Load(platform.native.url(8000), {}, rate=1_000, requests=BATCHES, threads=5 * PLACES) as load:
        platform.fires("ApiOverloaded")
    assert load.shed
    platform.ends("ApiOverloaded")


def test_drifted_traffic_is_told_until_it_is_as_before(platform: Platform) -> None:
    records, api = records_of(platform.data, 1500), platform.native.url(8000)
    ask(api, [record | {"age": "[90-100)"} for record in records])
    platform.monitor()
    platform.fires("DriftDetected")
    platform.forget_predictions()
    ask(api, records)
    platform.monitor()
    platform.ends("DriftDetected")


def test_a_refused_version_is_over_once_none_was_refused_for_a_while(platform: Platform) -> None:
    platform.ends("ModelLoadFailing")
