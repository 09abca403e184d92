"""Modules of the load test, loaded from their files, because ``import locust`` is the library."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[3] / "locust"


@pytest.fixture(scope="session")
def payloads() -> ModuleType:
    return _load("payloads")


@pytest.fixture(scope="session")
def response_check() -> ModuleType:
    return _load("response_check")


@pytest.fixture(scope="session")
def hosts() -> ModuleType:
    return _load("hosts")


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"load_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
