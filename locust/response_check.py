"""Check of responses to ``POST /predict``: the body is validated, not only the status."""

import json
from typing import Any


def error_of(status: int, body: str | None, records: int) -> str | None:
    """The error of a response to ``records`` records, or None; the status is 0 without a response.

    Locust keeps a row for each text, so there are few texts.
    """
    if status == 0:
        return "no response: is the API running, and is the host correct?"
    response = _json_object(body)
    if status != 200:
        return f"{status}: {_problem(status, response)}"
    predictions, model = response.get("predictions"), response.get("model")
    if not isinstance(predictions, list):
        return "200 without a list of predictions"
    if len(predictions) != records:
        return "200 with another number of predictions than records"
    if not all(_is_probability(value) for value in predictions):
        return "200 with a prediction that is not a probability"
    version = model.get("version") if isinstance(model, dict) else None
    return None if isinstance(version, str) and version else "200 without the version of the model"


def _json_object(body: str | None) -> dict[str, Any]:
    try:
        value = json.loads(body or "")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_probability(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _problem(status: int, response: dict[str, Any]) -> str:
    """The first invalid field of a refused record, or the detail of a server error."""
    if status >= 500:
        return str(response.get("detail") or "no detail")[:200]
    errors = response.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    return f"field {first['field']} refused" if "field" in first else str(response.get("title") or "refused")[:200]
