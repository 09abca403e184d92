import json

import httpx
import pytest

from ui.clients.api import ApiClient
from ui.clients.api_models import Contribution
from ui.predict.contributions import MAX_BARS, _bars, points


def contributions(count: int) -> list[Contribution]:
    return [Contribution(field="number_inpatient", value=number, contribution=0.01) for number in range(count)]


@pytest.mark.parametrize(
    ("share", "text"), [(0.031, "+3.1 points"), (-0.0042, "−0.4 points"), (-0.0004, "0.0 points"), (0.0, "0.0 points")]
)
def test_a_difference_of_risks_is_formatted_in_points_with_its_sign(share: float, text: str) -> None:
    assert points(share) == text


def test_further_contributions_are_summed_in_the_last_bar() -> None:
    bars = _bars(contributions(47))
    assert len(bars) == MAX_BARS
    assert bars[-1].label == "38 other fields"
    assert sum(bar.amount for bar in bars) == pytest.approx(0.47)


def test_few_contributions_have_a_bar_each() -> None:
    assert len(_bars(contributions(MAX_BARS))) == MAX_BARS
    assert _bars(contributions(1))[0].label == "Inpatient stays: 0"


def test_explain_posts_one_record_and_keeps_the_types_of_its_values() -> None:
    parts = [
        {"field": "age", "label": "Age", "value": "[60-70)", "contribution": 0.02, "standard_error": 0.0},
        {"field": "time_in_hospital", "label": "Stay", "value": 3, "contribution": -0.01, "standard_error": 0.0},
    ]
    answer = {
        "explanations": [{"probability": 0.12, "base": 0.11, "contributions": parts, "remainder": 0.0}],
        "model": {"name": "diabetes-readmission", "version": "3", "data_source": "real"},
    }

    def reply(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/explain")
        assert json.loads(request.content) == {"records": [{"age": "[60-70)", "time_in_hospital": 3}]}
        return httpx.Response(200, json=answer)

    with ApiClient("http://api:8000", 2, transport=httpx.MockTransport(reply)) as client:
        explained = client.explain({"age": "[60-70)", "time_in_hospital": 3})
    assert [one.value for one in explained.explanations[0].contributions] == ["[60-70)", 3]
