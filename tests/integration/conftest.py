"""The order of the integration tests: files that take long begin first, so that parallel workers end together."""

from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(__file__).parent
LONGEST: Final = (
    "ml/monitoring/test_genuine_windows.py",
    "dags/test_runs.py",
    "ml/evaluation/test_genuine_data.py",
    "locust/test_load_run.py",
    "ml/promotion/test_production_alias.py",
    "ml/promotion/test_gate.py",
)
"""Files of more than half a minute, the longest first (``pytest --durations=0``)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the tests of the longest files to the front; the order within a file stays."""
    assert all((FOLDER / name).exists() for name in LONGEST)

    def place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((number for number, name in enumerate(LONGEST) if path.endswith(name)), len(LONGEST))

    items.sort(key=place)
