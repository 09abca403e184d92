"""The registry behind the Model page."""

import pytest

from tests.integration.ui.conftest import Platform
from tests.integration.ui.registry import PROMOTED, REFUSED, FakeRegistry


@pytest.fixture
def registry(platform: Platform) -> FakeRegistry:
    """Version 3 in production, version 4 refused, version 2 replaced, version 1 withdrawn."""
    found = FakeRegistry(aliases={"production": "3", "challenger": "4"})
    found.add("1", PROMOTED | {"gate.rolled_back": "2026-05-02T02:12:00+00:00"})
    found.add("2", PROMOTED | {"gate.replaced": "1"})
    found.add("3", PROMOTED | {"gate.replaced": "2", "gate.decided_at": "2026-05-04T02:12:00+00:00"})
    found.add("4", REFUSED)
    found.answer_on(platform)
    return found
