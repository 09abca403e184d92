"""The interface beside the native stack, with services away that the stack itself has."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.interface import LOG, no_uncaught_exception, running_ui
from tests.support.native import HOME, ROOT, NativeStack

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def ui_logs() -> list[Path]:
    """The logs of every interface that the tests look at."""
    return [ROOT / HOME / "logs" / "streamlit.log"]


@pytest.fixture(autouse=True)
def _no_uncaught_exception(ui_logs: list[Path]) -> Iterator[None]:
    """Every browser test fails if a page fails in it."""
    with no_uncaught_exception(ui_logs):
        yield


@pytest.fixture(scope="session")
def beside(
    native: NativeStack, ui_logs: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., str]]:
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
                ui_logs.append(folder / LOG)
                started[key] = running.enter_context(running_ui(folder, **of_the_stack | settings))
            return started[key]

        yield start
