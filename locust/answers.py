"""What a right answer of ``POST /predict`` is: the body is checked, a status of 200 alone proves nothing."""

import json
from typing import Any


def fault_of(status: int, body: str | None, records: int) -> str | None:
    """What is wrong with an answer, or None.

    The texts are few whatever the service says, since the statistics keep one line for each.

    Args:
        status: HTTP status; 0 when there was no answer at all.
        body: text of the answer.
        records: how many records were asked for.
    """
    if status == 0:
        return "no answer: is the API running, and is the host right?"
    answer = _json(body)
    if status != 200:
        return f"{status}: {_problem(status, answer)}"
    predictions = answer.get("predictions")
    if not isinstance(predictions, list):
        return "200 without a list of predictions"
    if len(predictions) != records:
        return "200 with another number of predictions than records"
    if not all(_is_probability(value) for value in predictions):
        return "200 with a prediction that is no probability between 0 and 1"
    model = answer.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("version"), str) or not model["version"]:
        return "200 without the version of the model"
    return None


def _json(body: str | None) -> dict[str, Any]:
    try:
        answer = json.loads(body or "")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _is_probability(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _problem(status: int, answer: dict[str, Any]) -> str:
    """The problem in words: of a refused record the field, of a failing service its own sentence."""
    if status >= 500:
        return str(answer.get("detail") or "no reason given")[:200]
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    return f"field {first['field']} refused" if "field" in first else str(answer.get("title") or "refused")[:200]
