"""The order of the integration tests, which of them share a process, and which are a suite of their own.

Files that take long begin first, so that parallel workers end together.
"""

from pathlib import Path
from typing import Any, Final

import pytest
from xdist.scheduler import LoadFileScheduling

FOLDER: Final = Path(__file__).parent
LONGEST: Final = (
    "ml/monitoring/test_genuine_windows.py",
    "dags/test_runs.py",
    "ml/compute/test_cluster.py",
    "dags/test_roll_back.py",
    "dags/test_full_log_disk.py",
    "dags/test_score.py",
    "ml/evaluation/test_genuine_data.py",
    "ml/promotion/test_production_alias.py",
    "ml/promotion/test_gate.py",
    "infra/local/upgrading/test_upgrade.py",
    "infra/backup/test_backup_and_restore.py",
    "infra/backup/test_interruption.py",
    "infra/backup/test_incremental.py",
    "infra/backup/test_refusals.py",
    "infra/backup/test_newer_tables.py",
    "ml/promotion/test_approvals.py",
    "ml/scoring/test_cluster.py",
    "ml/scoring/test_restart.py",
    "ml/scoring/test_parity.py",
    "ui/test_genuine_thresholds.py",
    "ml/registry/test_pyfunc_model.py",
    "ml/training/test_train.py",
    "infra/prometheus/test_rules.py",
    "locust/test_load_run.py",
)
"""Files of more than half a minute, the longest first (``pytest --durations=0``)."""

LONG: Final = (
    "api/storage/test_full_disk.py",
    "dags/test_full_log_disk.py",
    "dags/test_retain.py",
    "dags/test_roll_back.py",
    "dags/test_score.py",
    "infra/backup/",
    "infra/haproxy/test_replicas.py",
    "infra/local/upgrading/",
    "infra/test_mlflow_cleanup.py",
    "ml/compute/",
    "ml/evaluation/test_genuine_data.py",
    "ml/monitoring/test_genuine_windows.py",
    "ml/registry/test_full_disk.py",
    "ml/scoring/test_cluster.py",
    "ui/test_genuine_figures.py",
    "ui/test_genuine_thresholds.py",
)
"""Files and folders of `make integration-long`; `make integration` runs the others."""

ONE_PROCESS: Final = ("tests/integration/infra/backup/",)
"""Folders whose files share a fixture that takes a minute or more."""


class _ByFileOrFolder(LoadFileScheduling):
    """Tests of one file run in one worker process, and those of some folders too."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in ONE_PROCESS if nodeid.startswith(folder)), super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """The scheduler of parallel workers."""
    return _ByFileOrFolder(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of :data:`LONG`, and move those of the longest files to the front; their order there stays."""
    assert all((FOLDER / name).exists() for name in (*LONGEST, *LONG))
    for item in items:
        if item.path.is_relative_to(FOLDER) and item.path.relative_to(FOLDER).as_posix().startswith(LONG):
            item.add_marker("long")

    def place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((number for number, name in enumerate(LONGEST) if path.endswith(name)), len(LONGEST))

    items.sort(key=place)
