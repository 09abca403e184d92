"""Attacks on MLflow, whose port has no login: each was served by the release before signed approvals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE
from ml.core.names import MODEL_NAME, PRODUCTION
from ml.core.settings import MlflowSettings
from ml.core.signing.approval import TAG
from ml.registry.client import Registry
from tests.integration.api.bundles import expected, write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.support.signing import approve

GENUINE, FORGED = -2.0, -4.6
"""Intercepts of the models; the forged one always answers 0.01."""


class Attacker:
    """Knows the address of MLflow, and nothing else."""

    def __init__(self, url: str, folder: Path) -> None:
        self.registry = Registry(MlflowSettings.load(_env_file=None, mlflow_tracking_uri=url))
        self.forgery = write_bundle(folder / "forged", FORGED)
        self._url = url

    def register(self, bundle: Path) -> str:
        with self.registry.run("training", {}):
            return self.registry.register(bundle, {"data_source": "real", "gate.decision": "promoted"}, "").number

    def replace(self, number: str, *names: str) -> None:
        """Put the forged files in the place of those of a registered version."""
        where = {"name": MODEL_NAME, "version": number}
        uri = httpx.get(f"{self._url}/api/2.0/mlflow/model-versions/get-download-uri", params=where).json()
        path = uri["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
        for name in names:
            url = f"{self._url}/api/2.0/mlflow-artifacts/artifacts/{path}/{name}"
            httpx.put(url, content=(self.forgery / name).read_bytes(), timeout=60).raise_for_status()


def a_forged_version(attacker: Attacker, approved: str) -> str:
    del approved
    return attacker.register(attacker.forgery)


def a_copied_approval(attacker: Attacker, approved: str) -> str:
    number = attacker.register(attacker.forgery)
    attacker.registry.set_tags(number, {TAG: attacker.registry.version(approved).tags[TAG]})
    return number


def replaced_files(attacker: Attacker, approved: str) -> str:
    attacker.replace(approved, MANIFEST_FILE, GOLDEN_FILE, MODEL_FILE)
    return approved


def a_replaced_graph(attacker: Attacker, approved: str) -> str:
    attacker.replace(approved, MODEL_FILE)
    return approved


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (a_forged_version, "was never approved by the gate: run `python -m ml promote"),
        (a_copied_approval, "has the approval of version"),
        (replaced_files, "has other files than the gate approved"),
        (a_replaced_graph, "model.onnx does not match its checksum"),
    ],
)
def test_a_forgery_in_mlflow_is_not_served(
    mlflow_server: str, start_api: StartApi, tmp_path: Path, attack: Callable[[Attacker, str], str], reason: str
) -> None:
    attacker = Attacker(mlflow_server, tmp_path)
    registry = attacker.registry
    served, approved = (attacker.register(write_bundle(tmp_path / str(b), b)) for b in (GENUINE, GENUINE + 1))
    for number in (served, approved):
        approve(registry, number)
    registry.set_alias(PRODUCTION, served)
    client = start_api(mlflow_tracking_uri=mlflow_server)
    eventually(lambda: client.get("/ready").status_code == 200)

    number = attack(attacker, approved)
    registry.set_alias(PRODUCTION, number)

    eventually(lambda: refused(client).get("version") == number)
    assert reason in refused(client)["reason"]
    answer = client.post("/predict", json={"records": [{}]}).json()
    assert answer["model"]["version"] == served
    assert answer["predictions"] == pytest.approx([expected({}, GENUINE)], abs=1e-6)


def refused(client: TestClient) -> dict[str, Any]:
    return client.get("/model").json()["refused"] or {}
