"""Reads and reopens the address of a page."""

import json
import re

from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import APP


def address(app: AppTest) -> dict[str, str]:
    """The parameters that the page last put into the address."""
    scripts = [one.proto.body for one in app.get("html") if "replaceState" in one.proto.body]
    text = re.search(r", \.\.\.(\[.*\])\]\)\.toString", scripts[-1])
    assert text is not None
    return dict(json.loads(text[1]))


def opened(page: str, parameters: dict[str, str]) -> AppTest:
    """A new session, as after F5 or a click on a link: it has the page and the address only."""
    app = AppTest.from_file(str(APP), default_timeout=30)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.switch_page(page).run()
    assert not app.exception
    return app
