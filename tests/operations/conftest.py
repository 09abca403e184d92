"""The native stack with synthetic data and a model in production."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ml.data.sources.synthetic import write_csv
from tests.support.native import ROOT, NativeStack, prepare_native

HOME: Final = Path("build/operations")
BACKUPS: Final = Path("build/operations-backups")
PASSPHRASE: Final = "a passphrase of the tests"
SMALL: Final = {"DATA_SOURCE": "file", "FOREST_TREES": "15", "BOOTSTRAP_SAMPLES": "50", "MODEL_POLL_SECONDS": "1"}
UP_SECONDS: Final = 1200
COMMAND_SECONDS: Final = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Backups and restores of a whole stack take minutes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    """The running stack after `make demo`, with backups in a folder that `make clean` does not remove."""
    data = tmp_path_factory.mktemp("operations") / "encounters.csv"
    write_csv(data, 3000, seed=5)
    shutil.rmtree(ROOT / BACKUPS, ignore_errors=True)
    stack = prepare_native(HOME, DATA_FILE=str(data), BACKUP_DIR=str(BACKUPS), BACKUP_PASSPHRASE=PASSPHRASE, **SMALL)
    try:
        done = stack.run("make demo", UP_SECONDS)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
        yield stack
    finally:
        stack.run("make down; make clean YES=1", COMMAND_SECONDS)
        shutil.rmtree(ROOT / BACKUPS, ignore_errors=True)
