"""The model store: first model, new versions, invalid ones, and an unavailable registry."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE
from tests.integration.api.bundles import expected, seal, write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.security.hostile_bundles import ATTACKS, RARE, Attack, empty_reliability_curves, loop_for_one_value


def served(client: TestClient) -> Any:
    return client.get("/model").json().get("version")


def rejection(client: TestClient) -> Any:
    return client.get("/model").json().get("refused")


def test_without_a_model_it_is_not_ready_and_names_the_dag_to_run(start_api: StartApi) -> None:
    client = start_api()

    assert client.get("/health").json() == {"status": "ok"}
    for answer in (client.get("/ready"), client.get("/model"), client.post("/predict", json={"records": [{}]})):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "5"
        assert answer.json()["detail"] == "no production model yet: run train_models_diabetes_simple"


def test_the_first_model_is_loaded_without_a_restart(
    start_api: StartApi, registry: RegistryServer, tmp_path: Path
) -> None:
    client = start_api()
    registry.promote("1", write_bundle(tmp_path / "1"))

    eventually(lambda: client.get("/ready").status_code == 200)

    assert client.get("/ready").json() == {"status": "ready"}
    assert served(client) == "1"


def test_the_model_is_described(client: TestClient) -> None:
    described = client.get("/model").json()

    assert described["name"] == "diabetes-readmission"
    assert described["algorithm"] == "logistic"
    assert described["data_source"] == "synthetic"
    assert described["metrics"]["auroc"] == {"value": 0.67, "low": 0.66, "high": 0.68}
    assert len(described["risk_quantiles"]) == 101
    assert described["refused"] is None
    assert described["registry"]["reachable"] is True
    assert described["registry"]["version"] == "1"
    assert described["registry"]["error"] is None


def test_a_version_is_downloaded_once(client: TestClient, registry: RegistryServer) -> None:
    checked = client.get("/model").json()["registry"]["checked_at"]
    eventually(lambda: client.get("/model").json()["registry"]["checked_at"] != checked)

    assert Counter(registry.downloads) == {MANIFEST_FILE: 1, GOLDEN_FILE: 1, MODEL_FILE: 1}


def corrupt_graph(folder: Path) -> None:
    graph = folder / MODEL_FILE
    graph.write_bytes(graph.read_bytes()[:-10])


def pickle_in_place_of_a_graph(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06system.")
    seal(folder)


def golden_of_another_shape(folder: Path) -> None:
    (folder / GOLDEN_FILE).write_text(json.dumps({"requests": [{"record": {}, "probability": [0.1, 0.2, 0.3]}] * 2}))
    seal(folder)


def no_manifest(folder: Path) -> None:
    (folder / MANIFEST_FILE).unlink()


def no_graph(folder: Path) -> None:
    (folder / MODEL_FILE).unlink()


@pytest.mark.parametrize(
    ("options", "damage", "reason"),
    [
        ({}, corrupt_graph, "does not match its checksum"),
        ({}, pickle_in_place_of_a_graph, "cannot be loaded"),
        ({}, golden_of_another_shape, "golden requests cannot be read"),
        ({}, no_manifest, "it has no file manifest.json"),
        ({}, no_graph, "it has no file model.onnx"),
        ({"golden_shift": 0.001}, None, "golden requests fail"),
        ({"without": "race"}, None, "other inputs than the schema: race"),
    ],
    ids=["checksum", "pickle", "shape", "no manifest", "no graph", "golden", "inputs"],
)
def test_an_invalid_version_is_rejected_and_the_old_one_stays_in_service(
    client: TestClient,
    registry: RegistryServer,
    tmp_path: Path,
    options: dict[str, Any],
    damage: Callable[[Path], None] | None,
    reason: str,
) -> None:
    folder = write_bundle(tmp_path / "bad", 1.0, **options)
    if damage is not None:
        damage(folder)
    before = client.get("/metrics").text

    registry.promote("2", folder)
    eventually(lambda: rejection(client) is not None)

    rejected = rejection(client)
    assert rejected["version"] == "2"
    assert reason in rejected["reason"]
    assert str(tmp_path) not in rejected["reason"]
    assert served(client) == "1"
    assert client.post("/predict", json={"records": [{}]}).json()["predictions"] == pytest.approx([expected({}, -2.0)])
    assert "model_load_failures_total{" not in before
    assert "model_load_failures_total{" in client.get("/metrics").text

    registry.downloads.clear()
    checked = client.get("/model").json()["registry"]["checked_at"]
    eventually(lambda: client.get("/model").json()["registry"]["checked_at"] != checked)
    assert registry.downloads == []  # no retry before the backoff

    registry.promote("3", write_bundle(tmp_path / "good", 0.5))
    eventually(lambda: served(client) == "3")
    assert rejection(client) is None


def test_a_rejected_version_is_not_tried_again_after_a_restart_nor_under_another_number(
    client: TestClient, registry: RegistryServer, start_api: StartApi, tmp_path: Path
) -> None:
    folder = write_bundle(tmp_path / "bad", golden_shift=0.1)
    registry.promote("2", folder)
    eventually(lambda: rejection(client) is not None)
    registry.downloads.clear()

    restarted = start_api()
    eventually(lambda: rejection(restarted) is not None)

    assert rejection(restarted) == rejection(client)
    assert served(restarted) == "1"
    assert registry.downloads == []
    registry.promote("3", folder)
    eventually(lambda: rejection(restarted)["version"] == "3")
    assert "golden requests fail" in rejection(restarted)["reason"]


@pytest.mark.parametrize("attack", [empty_reliability_curves, loop_for_one_value], ids=lambda attack: attack.__name__)
def test_a_hostile_version_is_rejected_and_the_old_one_answers(
    client: TestClient, registry: RegistryServer, tmp_path: Path, attack: Attack
) -> None:
    folder = write_bundle(tmp_path / "hostile", 1.0)
    attack(folder)

    registry.promote("2", folder)
    eventually(lambda: rejection(client) is not None)

    assert re.search(ATTACKS[attack], rejection(client)["reason"])
    answer = client.post("/predict", json={"records": [{"gender": RARE}]})
    assert answer.json()["predictions"] == pytest.approx([expected({}, -2.0)])


def test_the_rejection_of_the_first_version_is_in_the_error_detail(
    start_api: StartApi, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.promote("1", write_bundle(tmp_path / "bad", golden_shift=0.1))
    client = start_api()

    eventually(lambda: "was rejected" in client.get("/ready").json()["detail"])

    assert "golden requests fail" in client.post("/predict", json={"records": [{}]}).json()["detail"]


def test_artifacts_that_mlflow_does_not_serve_are_rejected(
    start_api: StartApi, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.scheme = "file"
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api()

    eventually(lambda: "not served by MLflow" in client.get("/ready").json()["detail"])

    assert registry.downloads == []


def test_moving_the_alias_back_clears_the_rejection(
    client: TestClient, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.promote("2", write_bundle(tmp_path / "bad", golden_shift=0.1))
    eventually(lambda: rejection(client) is not None)

    registry.alias = "1"

    eventually(lambda: rejection(client) is None)
    assert served(client) == "1"


def test_the_same_number_in_a_new_registry_is_a_new_version(
    client: TestClient, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.created += 1
    registry.promote("1", write_bundle(tmp_path / "another", 1.0))

    def answer() -> Any:
        return client.post("/predict", json={"records": [{}]}).json()["predictions"][0]

    eventually(lambda: answer() == pytest.approx(expected({}, 1.0)))


def test_the_model_stays_in_service_while_mlflow_is_unavailable(
    client: TestClient, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.stop()
    eventually(lambda: client.get("/model").json()["registry"]["reachable"] is False)

    state = client.get("/model").json()["registry"]
    assert "MLflow cannot be reached" in state["error"]
    assert state["version"] == "1"
    assert state["since"] >= state["checked_at"]
    assert client.post("/predict", json={"records": [{}]}).status_code == 200
    assert client.get("/ready").status_code == 200
    assert "model_registry_reachable 0.0" in client.get("/metrics").text

    registry.promote("2", write_bundle(tmp_path / "2"))
    registry.start()
    eventually(lambda: served(client) == "2")
    assert client.get("/model").json()["registry"]["reachable"] is True


def test_it_starts_from_its_cache_while_mlflow_is_unavailable(
    client: TestClient, registry: RegistryServer, start_api: StartApi
) -> None:
    registry.stop()

    restarted = start_api()

    assert restarted.get("/ready").status_code == 200
    assert served(restarted) == "1"


@pytest.mark.parametrize("name", [MODEL_FILE, GOLDEN_FILE, MANIFEST_FILE])
def test_a_damaged_cache_is_ignored(
    client: TestClient, registry: RegistryServer, start_api: StartApi, tmp_path: Path, name: str
) -> None:
    (file,) = (tmp_path / "cache").glob(f"version-1-*/{name}")
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    registry.stop()

    restarted = start_api()

    eventually(lambda: "and the cached model is not served: " in restarted.get("/ready").json()["detail"])
    assert restarted.get("/ready").status_code == 503
    registry.start()
    eventually(lambda: restarted.get("/ready").status_code == 200)


def test_a_cache_that_is_not_writable_is_in_the_error_detail(
    start_api: StartApi, registry: RegistryServer, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api()

    eventually(lambda: "model cache" in client.get("/ready").json()["detail"])
