from threading import Barrier
from types import SimpleNamespace

import pytest

from tests.integration.ui.conftest import Platform
from ui import services
from ui.clients.api_models import ServedModel
from ui.clients.errors import NoModelYet, ServerError


def test_the_two_services_are_called_in_parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Barrier(2, timeout=10)
    monkeypatch.setattr(services, "mlflow", lambda: SimpleNamespace(version_by_alias=both.wait))
    monkeypatch.setattr(services, "api", lambda: SimpleNamespace(served_model=both.wait))
    state = services.serving_state()
    assert {state.registered, state.served} == {0, 1}


def test_the_fingerprint_has_the_versions_or_the_types_of_error(platform: Platform) -> None:
    assert services.serving_state().fingerprint == ("3", "3")
    services.refresh()
    platform.served = None
    platform.mlflow_status = 503
    assert services.serving_state().fingerprint == (ServerError, NoModelYet)


def test_the_serving_state_is_cached_until_a_refresh(platform: Platform) -> None:
    first = services.serving_state()
    platform.served = "4"
    assert services.serving_state() is first
    services.refresh()
    renewed = services.serving_state().served
    assert isinstance(renewed, ServedModel)
    assert renewed.version == "4"
