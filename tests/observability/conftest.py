"""The native stack, and a Prometheus and an Alertmanager with shortened durations; started once per session."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from infra.local.programs.monitoring import NODE_EXPORTERS, POSTGRES_EXPORTERS
from infra.local.programs.program import installed
from ml.data.sources.synthetic import write_csv
from tests.observability.platform import HOME, Platform
from tests.support.alerting import TIMES, running_alerting
from tests.support.native import NativeStack, prepare_native
from tests.support.prometheus import running_prometheus

UP_SECONDS: Final = 420
SCRAPE_SECONDS: Final = 3
ROWS: Final = 4000
MAX_IN_FLIGHT: Final = 8
"""Limit of the API's requests in flight: low, so that a small load exceeds the capacity."""

SMALL: Final = {
    "DATA_SOURCE": "file",
    "FOREST_TREES": "15",
    "BOOTSTRAP_SAMPLES": "50",
    "MODEL_POLL_SECONDS": "1",
    "MAX_IN_FLIGHT": str(MAX_IN_FLIGHT),
}
JOBS: Final = {
    "api": 8000,
    "exporter": 9105,
    "streamlit": 8501,
    "locust": 8089,
}
POSTGRES_JOBS: Final = {"postgres": 9187, "mlflow-postgres": 9188}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Drills take minutes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The running stack, with a data file and without a model."""
    folder = tmp_path_factory.mktemp("observability")
    data = folder / "encounters.csv"
    write_csv(data, ROWS, seed=5)
    with ExitStack() as running:
        native = running.enter_context(_running_native(data))
        alerting = running.enter_context(running_alerting(folder / "alertmanager"))
        targets = {job: _address(native, port) for job, port in _scraped().items()} | {"alertmanager": alerting.address}
        started = time.time()
        prometheus = running.enter_context(
            running_prometheus(folder / "prometheus", targets, seconds=SCRAPE_SECONDS, times=TIMES)
        )
        yield Platform(native, prometheus, alerting, data, started)


def _scraped() -> dict[str, int]:
    """Default port by job, of the programs that this machine has."""
    node = {"node": 9100} if installed(*NODE_EXPORTERS) else {}
    return JOBS | (POSTGRES_JOBS if installed(*POSTGRES_EXPORTERS) else {}) | node


@contextmanager
def _running_native(data: Path) -> Iterator[NativeStack]:
    folders = {"BACKUP_DIR": str(HOME / "backups"), "WAL_ARCHIVE_DIR": str(HOME / "wal")}
    native = prepare_native(HOME, DATA_FILE=str(data), **folders, **SMALL)
    try:
        done = native.run(".venv/bin/python -m infra.local up", UP_SECONDS)
        if done.returncode:
            raise AssertionError(f"the stack did not start:\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}")
        yield native
    finally:
        native.run(".venv/bin/python -m infra.local down; .venv/bin/python -m infra.local clean --yes", 240)


def _address(native: NativeStack, port: int) -> str:
    return f"127.0.0.1:{native.ports[port]}"
