"""The Prometheus behind the Monitoring page."""

from http.server import ThreadingHTTPServer

import pytest

from tests.integration.ui.conftest import Platform
from tests.integration.ui.fake_prometheus import FakePrometheus, busy
from ui.monitoring.queries import QUERIES


@pytest.fixture(autouse=True)
def _many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the tests accepts all requests of a refresh at once."""
    monkeypatch.setattr(ThreadingHTTPServer, "request_queue_size", 2 * len(QUERIES))


@pytest.fixture
def prometheus(platform: Platform) -> FakePrometheus:
    """A platform in use; tests change its state."""
    return busy().attach(platform)
