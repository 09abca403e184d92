"""The choices of the Monitoring page in its address."""

from streamlit.testing.v1 import AppTest

from tests.integration.ui.address import address, opened
from tests.integration.ui.fake_prometheus import FakePrometheus
from tests.integration.ui.monitoring.page import PAGE, open_page
from ui.monitoring.live import LIVE, WINDOW
from ui.monitoring.window import Window


def test_a_reload_keeps_window_pause_and_language(app: AppTest, prometheus: FakePrometheus) -> None:
    open_page(app)
    app.segmented_control(key=WINDOW).select(Window.DAY).run()
    app.toggle(key=LIVE).set_value(False).run()
    app.segmented_control(key="language").select("es").run()
    again = opened(PAGE, address(app) | {"language": app.query_params["language"]})
    assert again.segmented_control(key=WINDOW).value == Window.DAY
    assert again.toggle(key=LIVE).value is False
    assert again.segmented_control(key="language").value == "es"


def test_a_window_that_does_not_exist_is_the_default(prometheus: FakePrometheus) -> None:
    assert address(opened(PAGE, {WINDOW: "99y", LIVE: "2"})) == {WINDOW: "1h", LIVE: "on"}
