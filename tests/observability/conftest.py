"""The whole native stack, and beside it a Prometheus and an Alertmanager that are in a hurry; started once."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from infra.local.programs.program import installed
from infra.local.programs.prometheus import NODE_EXPORTERS, POSTGRES_EXPORTERS
from ml.data.sources.synthetic import write_csv
from tests.observability.watched import HOME, Platform
from tests.support.alerting import TIMES, running_alerting
from tests.support.native import NativeStack, prepare_native
from tests.support.prometheus import running_prometheus

UP_SECONDS: Final = 420
SCRAPE_SECONDS: Final = 3
ROWS: Final = 4000
PLACES: Final = 8
"""Requests that the API takes at a time: few, so that a small load is above its capacity."""

SMALL: Final = {
    "DATA_SOURCE": "file",
    "FOREST_TREES": "15",
    "BOOTSTRAP_SAMPLES": "50",
    "MODEL_POLL_SECONDS": "1",
    "MAX_IN_FLIGHT": str(PLACES),
}
JOBS: Final = {
    "api": 8000,
    "exporter": 9105,
    "streamlit": 8501,
    "locust": 8089,
}
WATCHERS: Final = {"postgres": 9187, "mlflow-postgres": 9188}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A drill waits for minutes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Everything runs; there are data for the taking, and no model."""
    folder = tmp_path_factory.mktemp("observability")
    data = folder / "encounters.csv"
    write_csv(data, ROWS, seed=5)
    with ExitStack() as running:
        native = running.enter_context(_running_native(data))
        alerting = running.enter_context(running_alerting(folder / "alertmanager"))
        targets = {job: _address(native, port) for job, port in _scraped().items()} | {"alertmanager": alerting.address}
        begun = time.time()
        watching = running_prometheus(folder / "prometheus", targets, seconds=SCRAPE_SECONDS, times=TIMES)
        prometheus = running.enter_context(watching)
        yield Platform(native, prometheus, alerting, data, begun)


def _scraped() -> dict[str, int]:
    """Job to default port, of what this machine has."""
    node = {"node": 9100} if installed(*NODE_EXPORTERS) else {}
    return JOBS | (WATCHERS if installed(*POSTGRES_EXPORTERS) else {}) | node


@contextmanager
def _running_native(data: Path) -> Iterator[NativeStack]:
    native = prepare_native(HOME, DATA_FILE=str(data), **SMALL)
    try:
        done = native.run(".venv/bin/python -m infra.local up", UP_SECONDS)
        if done.returncode:
            raise AssertionError(f"the stack did not start:\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}")
        yield native
    finally:
        native.run(".venv/bin/python -m infra.local down; .venv/bin/python -m infra.local clean --yes", 240)


def _address(native: NativeStack, port: int) -> str:
    return f"127.0.0.1:{native.ports[port]}"
