import time

from tests.integration.ui.conftest import Platform
from ui import services
from ui.clients.api_models import ServedModel


def test_both_services_are_asked_at_the_same_time(platform: Platform) -> None:
    platform.delay = 0.5
    start = time.monotonic()
    picture = services.picture()
    assert time.monotonic() - start < 0.95
    assert picture.state == ("3", "3")


def test_the_picture_is_kept_for_a_moment_and_renewed_on_request(platform: Platform) -> None:
    first = services.picture()
    platform.served = "4"
    assert services.picture() is first
    services.look_again()
    renewed = services.picture().served
    assert isinstance(renewed, ServedModel)
    assert renewed.version == "4"
