"""Pages without a model, with a failing or slow service, or with a malformed setting."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform

NOBODY = "http://127.0.0.1:9"


def texts(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(element.value for kind in (app.markdown, app.error, app.info, app.subheader) for element in kind)


def test_without_a_model_the_page_links_to_the_steps_to_a_first_one(app: AppTest, platform: Platform) -> None:
    platform.served = platform.registered = None
    assert "No model yet" in texts(app.run())
    assert [link.proto.label for link in app.get("page_link")] == ["Overview"]
    assert not app.selectbox


def test_the_first_model_is_found_by_checking_again(app: AppTest, platform: Platform) -> None:
    platform.served = platform.registered = None
    app.run()
    platform.served = platform.registered = "1"
    app.button(key="check-again").click().run()
    assert "Served by the API: version 1" in texts(app)
    assert app.selectbox(key="field-race")


def test_a_model_that_is_still_being_loaded_is_announced(app: AppTest, platform: Platform) -> None:
    platform.served = None
    assert "The API is loading version 3" in texts(app.run())


def test_without_model_and_registry_the_page_does_not_suggest_training(app: AppTest, platform: Platform) -> None:
    platform.served = None
    platform.mlflow_status = 503
    page = texts(app.run())
    assert "The API has no model, and the model registry is unavailable" in page
    assert "ingest_diabetes" not in page


def test_without_the_api_the_form_remains_with_an_error(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_URL", NOBODY)
    assert f"The prediction API cannot be reached at {NOBODY.removeprefix('http://')}".replace(":", "\\:") in texts(
        app.run()
    )
    assert app.selectbox(key="field-race")
    assert "Production in MLflow: diabetes-readmission version 3" in texts(app)


def test_an_api_that_fails_before_the_prediction_is_reported(app: AppTest, platform: Platform) -> None:
    app.run()
    platform.api_status = 500
    app.button(key="predict").click().run()
    assert "status 500" in texts(app)
    assert not app.metric


def test_an_api_that_loses_its_model_before_the_prediction_is_reported(app: AppTest, platform: Platform) -> None:
    app.run()
    platform.served = None
    app.button(key="predict").click().run()
    assert "No model is available" in texts(app)


def test_without_mlflow_predictions_continue(app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    assert "Predictions continue with version 3" in texts(app.run())
    app.button(key="predict").click().run()
    assert app.metric[0].value == "18.0%"


def test_a_failing_registry_does_not_stop_predictions(app: AppTest, platform: Platform) -> None:
    platform.mlflow_status = 503
    app.run()
    app.button(key="predict").click().run()
    assert app.metric[0].value == "18.0%"


def test_the_footer_has_version_and_commit(app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD_VERSION", "9.8.7")
    monkeypatch.setenv("BUILD_COMMIT", "0123456789abcdef0123456789abcdef01234567")
    platform.served = platform.registered = None
    assert "Version 9.8.7 · commit 0123456" in texts(app.run())


def test_a_slow_service_times_out(app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "0.2")
    platform.delay = 1.0
    assert "did not answer within 0.2 seconds" in texts(app.run())


def test_a_malformed_setting_is_one_sentence_and_nothing_else(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "soon")
    app.run()
    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.startswith("Setting HTTP_TIMEOUT_SECONDS has a malformed value 'soon'")
    assert not app.title


def test_a_corrected_setting_is_loaded_by_a_reload(
    app: AppTest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "soon")
    app.run()
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "5")
    app.run()
    assert app.title[0].value == "30-day readmission risk"
