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
def test_a_difference_of_risks_is_told_in_percentage_points_with_its_sign(share: float, text: str) -> None:
    assert points(share) == text


def test_what_is_too_much_for_a_chart_is_one_bar_and_nothing_is_lost() -> None:
    bars = _bars(contributions(47))
    assert len(bars) == MAX_BARS
    assert bars[-1].label == "38 other fields"
    assert sum(bar.amount for bar in bars) == pytest.approx(0.47)


def test_few_contributions_are_all_drawn() -> None:
    assert len(_bars(contributions(MAX_BARS))) == MAX_BARS
    assert _bars(contributions(1))[0].label == "Inpatient stays: 0"


def test_the_api_is_asked_to_explain_one_record_and_its_values_keep_their_kind() -> None:
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
