"""The interface beside the native stack, with services away that the stack itself has."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.interface import running_ui
from tests.support.native import NativeStack

NOBODY = "http://127.0.0.1:9"
OPERATOR_KEY = "key of the tests"


@pytest.fixture(scope="session")
def beside(native: NativeStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts the interface with other settings than the stack's own, once for each; gives its address."""
    started: dict[tuple[tuple[str, str], ...], str] = {}
    of_the_stack = {
        "API_URL": native.url(8000),
        "MLFLOW_TRACKING_URI": native.url(5000),
        "AIRFLOW_URL": native.url(8080),
        "PROMETHEUS_URL": native.url(9090),
        "LOCUST_URL": native.url(8089),
        "LOCAL_DIR": native.environment["LOCAL_DIR"],
    }
    with ExitStack() as running:

        def start(**settings: str) -> str:
            key = tuple(sorted(settings.items()))
            if key not in started:
                folder: Path = tmp_path_factory.mktemp("ui")
                started[key] = running.enter_context(running_ui(folder, **of_the_stack | settings))
            return started[key]

        yield start
