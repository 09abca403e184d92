import time

from tests.integration.ui.conftest import Platform
from ui import services
from ui.clients.api_models import ServedModel


def test_both_services_are_called_in_parallel(platform: Platform) -> None:
    platform.delay = 0.5
    start = time.monotonic()
    picture = services.serving_state()
    assert time.monotonic() - start < 0.95
    assert picture.fingerprint == ("3", "3")


def test_the_serving_state_is_cached_until_a_refresh(platform: Platform) -> None:
    first = services.serving_state()
    platform.served = "4"
    assert services.serving_state() is first
    services.refresh()
    renewed = services.serving_state().served
    assert isinstance(renewed, ServedModel)
    assert renewed.version == "4"
