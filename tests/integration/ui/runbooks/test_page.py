"""The Runbooks page with the real runbooks."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from ui.runbooks import reader

PAGE = "app_pages/runbooks.py"
NAMES = reader.names()


def open_page(app: AppTest, **query: str) -> str:
    app.run().switch_page(PAGE)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return "\n".join(element.value for kind in (app.title, app.markdown, app.error) for element in kind)


def linked(app: AppTest) -> list[str]:
    return [link.proto.label for link in app.get("page_link")]


def test_the_list_links_every_runbook_with_the_meaning_of_its_alert(app: AppTest) -> None:
    page = open_page(app)
    assert linked(app) == NAMES
    assert "The prediction API does not answer: nobody gets a prediction from it." in page


@pytest.mark.parametrize("name", NAMES)
def test_every_runbook_is_shown_without_links_to_files(app: AppTest, name: str) -> None:
    page = open_page(app, name=name)
    assert app.title[0].value == name
    assert "**Impact.**" in page
    assert linked(app) == ["All runbooks"]
    targets = re.findall(r"\]\(([^)]+)\)", page)
    assert all(re.match(r"https?://|#|\?name=\w+&language=en$", target) for target in targets), targets
    assert {target[6:-12] for target in targets if target.startswith("?")} <= set(NAMES)


@pytest.mark.parametrize("name", ["Unknown", "../operations", "/etc/passwd", "apidown", "<b>[x](y)"])
def test_a_name_without_a_runbook_is_reported_and_all_are_listed(app: AppTest, name: str) -> None:
    page = open_page(app, name=name)
    assert "There is no runbook with the name" in page
    assert "[x](y)" not in page
    assert linked(app) == NAMES


def test_in_spanish_links_keep_the_language(app: AppTest) -> None:
    open_page(app, name="AirflowDown")
    app.segmented_control(key="language").select("es").run()
    assert linked(app) == ["Todos los procedimientos"]
    assert "&language=es)" in "\n".join(element.value for element in app.markdown)
