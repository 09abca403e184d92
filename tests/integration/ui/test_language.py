"""Language of the interface: settings, selector, query string, and formats of numbers."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform


def test_it_starts_in_the_language_of_the_settings(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UI_LANGUAGE", "es")
    app.run()
    assert app.button(key="predict").label == "Predecir"


def test_changing_the_language_keeps_the_form(app: AppTest, platform: Platform) -> None:
    app.run()
    app.selectbox(key="field-race").select("AfricanAmerican")
    app.selectbox(key="field-diag_1").select("428")
    app.button(key="predict").click().run()
    app.segmented_control(key="language").select("es").run()
    assert app.button(key="predict").label == "Predecir"
    assert app.selectbox(key="field-race").value == "AfricanAmerican"
    app.button(key="predict").click().run()
    assert platform.records == [{"race": "AfricanAmerican", "diag_1": "428"}] * 2
    assert "428 Insuficiencia cardíaca" in app.selectbox(key="field-diag_1").options


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
