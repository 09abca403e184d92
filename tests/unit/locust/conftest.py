"""The load test's own modules, loaded from their files: ``import locust`` means the library."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[3] / "locust"


@pytest.fixture(scope="session")
def payloads() -> ModuleType:
    return _load("payloads")


@pytest.fixture(scope="session")
def answers() -> ModuleType:
    return _load("answers")


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"load_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
