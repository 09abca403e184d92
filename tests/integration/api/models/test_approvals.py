"""The service serves what the gate approved, and nothing else: each attack on the registry and on the cache."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, sha256_of
from ml.core.names import PUBLIC_KEYS, SIGNING_KEY
from ml.core.signing.keys import retire_former_keys, rotate
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.support.signing import FOLDER, KEY, approval, approve_folder, new_pair

RISK_OF_VERSION_1 = 0.1192  # of an empty record, by the intercept of -2


def refusal(client: TestClient) -> str:
    refused = client.get("/model").json()["refused"]
    return str(refused["reason"]) if refused else ""


def metrics(client: TestClient) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def assert_version_1_is_served(client: TestClient) -> None:
    answer = client.post("/predict", json={"records": [{}]}).json()
    assert answer["model"]["version"] == "1"
    assert answer["predictions"] == pytest.approx([RISK_OF_VERSION_1], abs=1e-3)


@pytest.fixture
def forged(tmp_path: Path) -> Path:
    """Manifest, golden requests and graph agree with one another: it always answers 0.01."""
    return write_bundle(tmp_path / "forged", -4.6)


def test_a_forged_version_is_refused_however_the_alias_was_moved(
    client: TestClient, registry: RegistryServer, forged: Path
) -> None:
    registry.point_to("7", forged)

    eventually(lambda: refusal(client) != "")
    assert refusal(client) == "version 7 was never approved by the gate: run `python -m ml promote 7`"
    assert_version_1_is_served(client)
    assert client.get("/ready").status_code == 200
    found = metrics(client)
    assert found["model_unapproved"] == 1
    assert found['model_load_failures_total{reason="unapproved"}'] == 1
    assert "model.onnx" not in registry.downloads[3:], "nothing of it was downloaded"

    registry.promote("7", forged)  # the gate approves it after all: no waiting for a retry
    eventually(lambda: client.get("/model").json()["version"] == "7")
    assert refusal(client) == ""
    assert metrics(client)["model_unapproved"] == 0


def copied(registry: RegistryServer, forged: Path) -> str:
    del forged
    return registry.approvals["1"]


def other_key(registry: RegistryServer, forged: Path) -> str:
    del registry
    return approval("7", sha256_of(forged / MANIFEST_FILE), new_pair(forged.parent / "foreign"))


def other_model(registry: RegistryServer, forged: Path) -> str:
    del registry
    return approval("7", sha256_of(forged / MANIFEST_FILE), model="another-model")


def other_files(registry: RegistryServer, forged: Path) -> str:
    del registry, forged
    return approval("7", "a" * 64)


def text(registry: RegistryServer, forged: Path) -> str:
    del registry, forged
    return "promoted"


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (copied, "version 7 has the approval of version 1 of diabetes-readmission: run `python -m ml promote 7`"),
        (other_key, "the approval of version 7 is not valid, no key of this platform signed it: run"),
        (other_model, "version 7 has the approval of version 7 of another-model: run"),
        (other_files, "version 7 has other files than the gate approved: restore them, or run `python -m ml rollback`"),
        (text, "the approval of version 7 is not valid, it is no signed envelope: run"),
    ],
)
def test_a_forged_approval_is_refused(
    client: TestClient, registry: RegistryServer, forged: Path, attack: Any, reason: str
) -> None:
    registry.approvals["7"] = attack(registry, forged)
    registry.point_to("7", forged)

    eventually(lambda: refusal(client).startswith(reason))
    assert_version_1_is_served(client)
    assert MODEL_FILE not in registry.downloads[3:]


@pytest.mark.parametrize("name", [MANIFEST_FILE, MODEL_FILE, GOLDEN_FILE])
def test_a_replaced_file_of_an_approved_version_is_refused(
    client: TestClient, registry: RegistryServer, forged: Path, tmp_path: Path, name: str
) -> None:
    genuine = write_bundle(tmp_path / "2", -1.0)
    registry.approvals["2"] = approve_folder("2", genuine)
    shutil.copy(forged / name, genuine / name)
    registry.point_to("2", genuine)

    eventually(lambda: refusal(client) != "")
    assert ("other files than the gate approved" if name == MANIFEST_FILE else "checksum") in refusal(client)
    assert_version_1_is_served(client)


def test_an_approved_version_that_was_put_back_by_hand_is_served_and_reported(
    client: TestClient, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.promote("2", write_bundle(tmp_path / "2", -1.0))
    eventually(lambda: client.get("/model").json()["version"] == "2")
    assert metrics(client)["model_moved_by_hand"] == 0

    registry.alias = "1"
    eventually(lambda: client.get("/model").json()["version"] == "1")
    assert client.get("/model").json()["approval"]["moved_by_hand"] is True
    assert metrics(client)["model_moved_by_hand"] == 1

    registry.promote("1", registry.versions["1"])  # a rollback signs it again
    eventually(lambda: client.get("/model").json()["approval"]["moved_by_hand"] is False)
    assert registry.downloads.count(MODEL_FILE) == 3, "its files are not downloaded again"


def test_a_deleted_alias_and_a_deleted_approval_leave_the_model_in_service(
    client: TestClient, registry: RegistryServer
) -> None:
    kept = registry.approvals.pop("1")
    eventually(lambda: "was never approved" in refusal(client))
    assert_version_1_is_served(client)

    registry.approvals["1"] = kept
    eventually(lambda: refusal(client) == "")
    registry.alias = None
    eventually(lambda: client.get("/model").json()["registry"]["version"] is None)
    assert_version_1_is_served(client)


def test_the_approval_is_described(client: TestClient) -> None:
    described = client.get("/model").json()["approval"]

    assert described["approved_by"] == "the tests"
    assert described["approved_at"] == "2026-01-02T03:04:05+00:00"
    assert (described["action"], described["key_id"], described["moved_by_hand"]) == ("promoted", KEY.id, False)


@pytest.fixture
def cached(client: TestClient, registry: RegistryServer, tmp_path: Path) -> Path:
    """The folder of the cached version 1, while MLflow is away."""
    del client
    registry.stop()
    (folder,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    return folder


def replace_all(folder: Path, forged: Path) -> None:
    for file in forged.iterdir():
        shutil.copy(file, folder)


def replace_graph(folder: Path, forged: Path) -> None:
    shutil.copy(forged / MODEL_FILE, folder)


def remove_approval(folder: Path, forged: Path) -> None:
    del forged
    (folder / "approval.json").unlink()


def rename_version(folder: Path, forged: Path) -> None:
    del forged
    pointer = folder.parent / "current.json"
    document = json.loads(pointer.read_text())
    pointer.write_text(json.dumps(document | {"version": document["version"] | {"version": "9"}}))


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (replace_all, "version 1 has other files than the gate approved"),
        (replace_graph, "model.onnx does not match its checksum in the manifest"),
        (remove_approval, "version 1 in the model cache has no approval: it is loaded from MLflow again"),
        (rename_version, "version 9 has the approval of version 1 of diabetes-readmission"),
    ],
)
def test_a_tampered_cache_and_one_of_an_earlier_release_are_not_served(
    cached: Path, registry: RegistryServer, start_api: StartApi, forged: Path, attack: Any, reason: str
) -> None:
    attack(cached, forged)
    client = start_api()

    eventually(lambda: "MLflow cannot be reached, and" in client.get("/ready").json()["detail"])
    detail = client.get("/ready").json()["detail"]
    assert detail.startswith(
        f"no production model yet: MLflow cannot be reached, and the cached model is not served: {reason}"
    )
    registry.start()
    eventually(lambda: client.get("/ready").status_code == 200)
    assert_version_1_is_served(client)


def test_a_rotation_and_its_end_are_followed_without_a_restart(
    registry: RegistryServer, start_api: StartApi, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    shutil.copytree(FOLDER, keys)
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(model_public_keys_file=keys / PUBLIC_KEYS)
    eventually(lambda: client.get("/ready").status_code == 200)

    new = rotate(keys / SIGNING_KEY, keys / PUBLIC_KEYS)
    registry.approvals["1"] = approval("1", sha256_of(registry.versions["1"] / MANIFEST_FILE), new)
    eventually(lambda: client.get("/model").json()["approval"]["key_id"] == new.id)
    retire_former_keys(keys / PUBLIC_KEYS)
    registry.approvals["2"] = approve_folder("2", registry.versions["1"])
    registry.point_to("2", registry.versions["1"])
    eventually(lambda: "no key of this platform signed it" in refusal(client))
    registry.stop()

    restarted = start_api(model_public_keys_file=keys / PUBLIC_KEYS)
    assert_version_1_is_served(restarted)


def test_without_public_keys_it_does_not_start(start_api: StartApi, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^The file with the public keys of the gate, .*none, cannot be read .*\.$"):
        start_api(model_public_keys_file=tmp_path / "none")
