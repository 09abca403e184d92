"""The Prometheus behind the Monitoring page."""

from http.server import ThreadingHTTPServer

import pytest

from tests.integration.ui.conftest import Platform
from tests.integration.ui.fake_prometheus import FakePrometheus, busy
from ui.monitoring.expressions import QUESTIONS


@pytest.fixture(autouse=True)
def _many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform of the tests takes as many questions at the same time as the page has."""
    monkeypatch.setattr(ThreadingHTTPServer, "request_queue_size", 2 * len(QUESTIONS))


@pytest.fixture
def prometheus(platform: Platform) -> FakePrometheus:
    """A busy platform; a test changes what it has to."""
    return busy().attach(platform)
