"""The order of the integration tests: files that take long begin first, so that parallel workers end together."""

from typing import Final

import pytest

LONGEST: Final = (
    "ml/monitoring/drift/test_genuine_windows.py",
    "dags/test_runs.py",
    "ml/evaluation/test_genuine_data.py",
    "locust/test_load_run.py",
    "ml/promotion/test_production.py",
    "ml/promotion/test_decisions.py",
)
"""Files of more than half a minute, the longest first (``pytest --durations=0``)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the tests of the longest files to the front; the order within a file stays."""

    def place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((number for number, name in enumerate(LONGEST) if path.endswith(name)), len(LONGEST))

    items.sort(key=place)
