"""Opens and reads the Monitoring page."""

from typing import Any

from streamlit.testing.v1 import AppTest

PAGE = "app_pages/monitoring.py"
NOBODY = "http://127.0.0.1:9"


def open_page(app: AppTest) -> AppTest:
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def page_text(app: AppTest) -> str:
    """All text of the page, charts in words."""
    kinds = (app.title, app.subheader, app.markdown, app.error, app.warning, app.info, app.success)
    charts = [chart.proto.alt for chart in app.get("vega_lite_chart")]
    figures = [f"{metric.label}: {metric.value}" for metric in app.metric]
    return "\n".join([*(element.value for kind in kinds for element in kind), *figures, *charts])


def links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.url for link in app.get("link_button")}


def tables(app: AppTest) -> list[Any]:
    return [table.value for table in app.table]
