"""Outcomes of patients in POST /feedback: the request model and its parser."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Required

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from api.contract.field_errors import FieldError, invalid_records, json_value, shorten
from api.contract.parsing import decode_json, items_of, validate_in_chunks
from api.contract.requests import Identifier, WholeNumber
from ml.schema import POSITIVE

FEEDBACK: Final = "FeedbackRequest"
_DATE: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_DATE_SCHEMA: Final = {
    "title": "Known On",
    "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}],
    "description": "Day of the readmission, or the day on which it was certain that there was none. Of a time the day "
    "counts, as it is written. Not before the day of the prediction.",
    "examples": ["2026-11-20"],
}


def _parse_date(value: Any) -> date:
    """The day of a date or of a time of ISO 8601, as it is written: it is the day at the sender's place."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        if found and datetime.fromisoformat(value.upper()):
            return date.fromisoformat(found[1])
    except ValueError:
        pass
    raise ValueError("must be a day such as 2026-11-20, or a time such as 2026-11-20T09:30:00Z")


_EXACTLY_ONE_OF_EACH: Final = {
    "allOf": [
        {"oneOf": [{"required": ["request_id"]}, {"required": ["encounter_id"]}]},
        {"oneOf": [{"required": ["readmitted_within_30_days"]}, {"required": ["readmitted"]}]},
    ],
    "dependentRequired": {"position": ["request_id"]},
}


class Outcome(TypedDict, total=False):
    """The outcome of one encounter.

    `request_id` (with `position`, if the request had several records) or `encounter_id` identifies the prediction.
    `readmitted_within_30_days` or `readmitted`, as in the data set, is the outcome.
    """

    __pydantic_config__ = ConfigDict(  # type: ignore[misc]
        extra="forbid", strict=True, json_schema_extra=_EXACTLY_ONE_OF_EACH
    )

    request_id: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9._:/+=@-]{1,128}$", description="Of the response with the prediction.")
    ]
    position: Annotated[int, WholeNumber(0, 2**31 - 1), Field(description="Of the record in its request, from 0.")]
    encounter_id: Annotated[
        int | str,
        Identifier,
        Field(description="Of the record, if it had one: the outcome then applies to all predictions for it."),
    ]
    readmitted_within_30_days: bool
    readmitted: Annotated[Literal["<30", ">30", "NO"], Field(description="As in the data set.")]
    known_on: Required[Annotated[date, BeforeValidator(_parse_date), WithJsonSchema(_DATE_SCHEMA)]]


class FeedbackRequest(TypedDict):
    """Outcomes of encounters that were scored before."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    outcomes: Annotated[list[Outcome], Field(min_length=1)]


OUTCOMES_ADAPTER: Final = TypeAdapter(FeedbackRequest)
_ADAPTER: Final = TypeAdapter(list[Outcome])


def is_readmitted(outcome: Outcome) -> bool:
    """Whether the patient was readmitted within 30 days."""
    readmitted = outcome.get("readmitted")
    return outcome["readmitted_within_30_days"] if readmitted is None else readmitted == POSITIVE


def parse_outcomes(body: bytes, max_outcomes: int) -> list[Outcome]:
    """Outcomes of a body.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: the body does not hold 1 to `max_outcomes` valid outcomes, one per prediction.
    """
    rows = items_of(decode_json(body), "outcomes", max_outcomes, fields=Outcome.__annotations__.keys())
    outcomes = validate_in_chunks(rows, _ADAPTER, _to_error, "outcome", len(Outcome.__annotations__))
    if errors := list(_inconsistencies(outcomes)):
        raise invalid_records(errors, len(errors), "outcome")
    return outcomes


def _to_error(index: int, field: str | None, details: ErrorDetails) -> FieldError:
    message = details["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if field is None:
        return FieldError(index, None, json_value(details["input"]), message)
    field = shorten(field)
    return FieldError(index, field, json_value(details["input"]), f"{field}: {message}")


def _inconsistencies(outcomes: list[Outcome]) -> Iterator[FieldError]:
    """Errors of outcomes whose fields are valid one by one."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # the date east of UTC may be a day ahead
    first: dict[tuple[Any, ...], int] = {}
    for index, outcome in enumerate(outcomes):
        prediction = (outcome.get("request_id"), outcome.get("position", 0), outcome.get("encounter_id"))
        if ("request_id" in outcome) == ("encounter_id" in outcome):
            message = "give either request_id or encounter_id"
        elif "position" in outcome and "request_id" not in outcome:
            message = "position requires request_id"
        elif ("readmitted_within_30_days" in outcome) == ("readmitted" in outcome):
            message = "give either readmitted_within_30_days or readmitted"
        elif outcome["known_on"] > tomorrow:
            message = "known_on is in the future"
        elif (earlier := first.setdefault(prediction, index)) != index:
            message = f"outcome {earlier} is for the same prediction"
        else:
            continue
        yield FieldError(index, None, None, message)
