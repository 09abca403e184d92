"""Predictions while the disk of PostgreSQL, or that of the model cache, is full."""

import tempfile
from pathlib import Path

from sqlalchemy import create_engine

from ml import migrations
from tests.conftest import ROLE_PASSWORD
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.storage.databases import connected, rows
from tests.support.postgres import database_url, running_postgres
from tests.support.small_disks import filled, small_disk

BATCH = {"records": [{"number_inpatient": number % 9, "diag_1": "428"} for number in range(100)]}
OUTCOME = {"encounter_id": 1, "readmitted_within_30_days": True, "known_on": "2020-01-01"}


def test_a_full_disk_of_postgresql_costs_no_prediction_and_the_log_is_written_when_there_is_space(
    start_api: StartApi, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.promote("1", write_bundle(tmp_path / "1"))
    with (
        tempfile.TemporaryDirectory(prefix="postgres-") as folder,
        small_disk(Path(folder), 160) as disk,
        running_postgres(disk) as server,
    ):
        server.ensure_database("diabetes", "diabetes", ROLE_PASSWORD)
        url = database_url(server, "diabetes", "diabetes", ROLE_PASSWORD)
        engine = create_engine(url)
        migrations.upgrade(engine)
        engine.dispose()
        client = start_api(
            postgres_host=server.host, postgres_port=server.port, diabetes_db_name="diabetes", prediction_log=True
        )
        eventually(lambda: client.get("/ready").status_code == 200)
        with filled(disk):
            answers = [client.post("/predict", json=BATCH) for _ in range(100)]
            assert {answer.status_code for answer in answers} == {200}
            assert client.post("/feedback", json={"outcomes": [OUTCOME]}).status_code == 503
            assert "prediction_log_written_total 0.0" in client.get("/metrics").text
        server.wait()
        eventually(lambda: "prediction_log_written_total 10000.0" in client.get("/metrics").text)
        eventually(lambda: client.post("/feedback", json={"outcomes": [OUTCOME]}).status_code == 200)
        with connected(url) as database:
            assert len(rows(database)) == 10_000


def test_with_a_full_disk_of_the_cache_the_old_version_serves_until_there_is_space(
    start_api: StartApi, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.promote("1", write_bundle(tmp_path / "1", -2.0))
    with small_disk(tmp_path / "small", 8) as disk:
        client = start_api(api_cache_dir=disk / "cache")
        eventually(lambda: client.get("/ready").status_code == 200)
        with filled(disk):
            registry.promote("2", write_bundle(tmp_path / "2", -1.0))
            eventually(lambda: client.get("/model").json().get("refused") is not None)
            refused = client.get("/model").json()["refused"]
            assert (refused["version"], refused["reason"]) == (
                "2",
                "it cannot be stored in the model cache: No space left on device",
            )
            assert 'model_load_failures_total{reason="disk"}' in client.get("/metrics").text
            assert client.post("/predict", json=BATCH).json()["model"]["version"] == "1"
        eventually(lambda: client.post("/predict", json=BATCH).json()["model"]["version"] == "2")
