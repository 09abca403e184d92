"""Language of the interface: settings, selector, query string, and formats of numbers."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform
from ui.i18n import language


def test_it_starts_in_the_language_of_the_settings(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UI_LANGUAGE", "es")
    app.run()
    assert app.button(key="predict").label == "Predecir"


@pytest.mark.parametrize(
    ("locale", "accepted", "button"),
    [
        ("es-MX", "", "Predecir"),
        ("de-CH", "de-CH,de;q=0.9,es;q=0.8,en;q=0.7", "Predecir"),
        ("en-GB", "en-GB,es;q=0.5", "Predict"),
        (None, "", "Predict"),
        ("", "tlh, *;q=0.1", "Predict"),
    ],
)
def test_until_one_is_chosen_the_language_is_the_browsers(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch, locale: str | None, accepted: str, button: str
) -> None:
    context = SimpleNamespace(locale=locale, headers={"Accept-Language": accepted} if accepted else {})
    monkeypatch.setattr(language.st, "context", context)
    app.run()
    assert app.button(key="predict").label == button
    assert "language" not in app.query_params


def test_a_chosen_language_stays_in_the_address_of_every_page(app: AppTest, platform: Platform) -> None:
    app.run()
    app.segmented_control(key="language").select("es").run()
    assert app.query_params["language"] in ("es", ["es"])
    app.query_params.clear()  # a link to another page
    app.switch_page("app_pages/model.py").run()
    assert app.query_params["language"] in ("es", ["es"])


def test_changing_the_language_keeps_the_form(app: AppTest, platform: Platform) -> None:
    app.run()
    app.selectbox(key="field-race").select("AfricanAmerican")
    app.text_input(key="field-diag_1").set_value("428")
    app.button(key="predict").click().run()
    app.segmented_control(key="language").select("es").run()
    assert app.button(key="predict").label == "Predecir"
    assert app.selectbox(key="field-race").value == "AfricanAmerican"
    app.button(key="predict").click().run()
    assert platform.records == [{"race": "AfricanAmerican", "diag_1": "428"}] * 2
    assert any("428 Insuficiencia cardíaca" in text.value for text in app.markdown)


def test_the_query_string_selects_a_language(app: AppTest, platform: Platform) -> None:
    app.query_params["language"] = "es"
    assert app.run().button(key="predict").label == "Predecir"


def test_an_unknown_language_in_the_query_string_is_ignored(app: AppTest, platform: Platform) -> None:
    app.query_params["language"] = "tlh"
    assert app.run().button(key="predict").label == "Predict"


def test_the_language_stays_on_another_page(app: AppTest, platform: Platform) -> None:
    app.run()
    app.segmented_control(key="language").select("es").run()
    app.switch_page("app_pages/model.py").run()
    assert app.title[0].value == "Modelo"


def test_numbers_have_the_format_of_the_language(app: AppTest, platform: Platform) -> None:
    app.run()
    app.segmented_control(key="language").select("es").run()
    app.button(key="predict").click().run()
    assert app.metric[0].value == "18,0\u00a0%"


def test_an_unknown_language_in_the_settings_is_one_sentence(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UI_LANGUAGE", "fr")
    app.run()
    assert app.error[0].value.startswith("Setting UI_LANGUAGE has a malformed value 'fr'")
