from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform

MODEL_PAGE = "app_pages/model.py"


def table_text(app: AppTest) -> str:
    return "\n".join(table.value.to_string() for table in app.table)


def test_it_shows_where_the_model_comes_from_and_its_metrics_with_intervals(app: AppTest) -> None:
    page = table_text(app.run().switch_page(MODEL_PAGE).run())
    assert not app.exception
    for text in ("random_forest", "5f2c9a7be01d", "4 May 2026, 02:11 UTC", "UCI 296"):
        assert text in page
    assert "0.6588 to 0.6829" in page
    assert "AUROC" in page


def test_it_links_to_the_version_in_mlflow_and_to_airflow(app: AppTest, platform: Platform) -> None:
    platform.registered = "7"
    app.run().switch_page(MODEL_PAGE).run()
    urls = [link.proto.url for link in app.get("link_button")]
    assert any(url.endswith("/#/models/diabetes-readmission/versions/7") for url in urls)
    assert "http://airflow.example:8080/dags" in urls


def test_with_the_api_away_it_tells_what_the_registry_knows(app: AppTest, platform: Platform) -> None:
    platform.api_status = 502
    page = table_text(app.run().switch_page(MODEL_PAGE).run())
    assert not app.exception
    assert "random\\_forest" in page
    assert "status 502" in app.error[0].value


def test_a_synthetic_model_is_marked_here_too(app: AppTest, platform: Platform) -> None:
    platform.data_source = "synthetic"
    page = table_text(app.run().switch_page(MODEL_PAGE).run())
    assert "Synthetic cohort" in page
    assert "not for any real patient" in app.warning[0].value


def test_a_metric_that_was_not_measured_is_said_to_be_so(app: AppTest, platform: Platform) -> None:
    platform.unmeasured = ("ece",)
    assert "not measured" in table_text(app.run().switch_page(MODEL_PAGE).run())
    assert not app.exception
