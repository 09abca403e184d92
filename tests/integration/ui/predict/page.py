"""Helpers for the tests of the Prediction page."""

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.integration.ui.conftest import Platform, ReceivedRequest, Reply

OF_API: dict[str, Any] = {"outside_population": None}
"""What the API adds to each explanation."""


def shown(app: AppTest) -> str:
    """All texts of the page."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.error, app.warning, app.info)
    badges_and_texts = [element.value for kind in kinds for element in kind]
    return "\n".join([*badges_and_texts, *(metric.value for metric in app.metric)])


def predict(app: AppTest) -> AppTest:
    return app.button(key="predict").click().run()


def predict_example(app: AppTest) -> AppTest:
    """Predict the example patient, of whom everything is known."""
    app.run().button(key="example").click().run()
    return predict(app)


def explained(platform: Platform, **more: Any) -> list[dict[str, Any]]:
    """Answer POST /explain; returns the list of the received records."""
    received: list[dict[str, Any]] = []

    def parts(record: dict[str, Any]) -> list[dict[str, Any]]:
        step = 0.07 / max(len(record), 1)
        return [
            {"field": name, "label": name, "value": value, "contribution": step, "standard_error": 0.001}
            for name, value in record.items()
        ]

    def answer(request: ReceivedRequest) -> Reply:
        records = request.json()["records"]
        received.extend(records)
        return 200, {
            "explanations": [
                {"probability": 0.213, "base": 0.11, "contributions": parts(one), "remainder": 0.0, **OF_API}
                for one in records
            ],
            "model": {"name": "diabetes-readmission", "version": platform.served, "data_source": "real"},
            "request_id": "0f1e2d3c",
            **more,
        }

    platform.more[("POST", "/explain")] = answer
    return received
