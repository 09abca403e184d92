"""The bills of materials of the images."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CONTENT = {
    "airflow": {"apache-airflow-core", "mlflow", "xgboost-cpu"},
    "api": {"fastapi", "onnxruntime"},
    "mlflow": {"mlflow"},
    "streamlit": {"streamlit"},
    "infra": {"cryptography"},
}
ELSEWHERE = {"api": {"mlflow", "pandas", "scikit-learn"}, "streamlit": {"mlflow", "onnxruntime"}, "infra": {"pandas"}}


@pytest.fixture(scope="module")
def bills() -> dict[str, dict[str, str]]:
    """Versions of the packages of each image."""
    subprocess.run(["make", "sbom"], cwd=ROOT, check=True, capture_output=True)
    return {
        path.name.removesuffix(".cdx.json"): {
            part["name"]: part["version"] for part in json.loads(path.read_text())["components"]
        }
        for path in (ROOT / "build" / "sbom").iterdir()
    }


def test_every_image_has_one_with_its_own_packages(bills: dict[str, dict[str, str]]) -> None:
    assert bills.keys() == CONTENT.keys()
    for image, packages in bills.items():
        assert packages.keys() >= CONTENT[image]
        assert not packages.keys() & ELSEWHERE.get(image, set()), image


def test_the_versions_are_those_of_the_lock(bills: dict[str, dict[str, str]]) -> None:
    locked = {
        (package["name"], package.get("version"))
        for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    }
    for packages in bills.values():
        assert packages.items() <= locked
