"""What became of a patient, as POST /feedback takes it: the request model, and from bytes to checked outcomes."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Required

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict

from api.contract.requests import WholeNumber
from api.contract.validation_errors import Fault, body_fault, shorten, shown
from api.errors import InvalidRecordsError, MalformedBodyError
from ml.schema import BY_NAME, ENCOUNTER_ID, POSITIVE

FEEDBACK: Final = "FeedbackRequest"
OUTCOMES: Final = "outcomes"
_ENCOUNTER: Final = BY_NAME[ENCOUNTER_ID]
_CHUNK: Final = 256
"""Outcomes validated at a time: other requests get a turn at the interpreter in between."""
_MOST_FAULTS: Final = 20
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _date(value: Any) -> Any:
    """A date as JSON Schema has it: just ``2026-11-20``."""
    return date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else value


_ONE_OF_EACH: Final = {
    "allOf": [
        {"oneOf": [{"required": ["request_id"]}, {"required": ["encounter_id"]}]},
        {"oneOf": [{"required": ["readmitted_within_30_days"]}, {"required": ["readmitted"]}]},
    ],
    "dependentRequired": {"position": ["request_id"]},
}


class Outcome(TypedDict, total=False):
    """What became of one encounter, and which prediction it was.

    Name the prediction by `request_id` (and `position`, where the request had several records) or by `encounter_id`;
    and the outcome by `readmitted_within_30_days` or, in the words of the data set, by `readmitted`.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, json_schema_extra=_ONE_OF_EACH)  # type: ignore[misc]

    request_id: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9._:/+=@-]{1,128}$", description="That of the answer with the prediction.")
    ]
    position: Annotated[int, WholeNumber(0, 2**31 - 1), Field(description="Of the record in its request, from 0.")]
    encounter_id: Annotated[
        int,
        WholeNumber(_ENCOUNTER.low or 0, _ENCOUNTER.high or 0),
        Field(description="That of the record, where it had one: the outcome is that of all its predictions."),
    ]
    readmitted_within_30_days: bool
    readmitted: Annotated[Literal["<30", ">30", "NO"], Field(description="As in the data set.")]
    known_on: Required[
        Annotated[
            date,
            BeforeValidator(_date),
            Field(
                description="Day of the readmission, or on which it was clear that there had been none.",
                examples=["2026-11-20"],
            ),
        ]
    ]


class FeedbackRequest(TypedDict):
    """Outcomes of encounters that were scored before."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    outcomes: Annotated[list[Outcome], Field(min_length=1)]


def happened(outcome: Outcome) -> bool:
    """Whether the patient came back within 30 days."""
    said = outcome.get("readmitted")
    return outcome["readmitted_within_30_days"] if said is None else said == POSITIVE


OUTCOMES_ADAPTER: Final = TypeAdapter(FeedbackRequest)
_ADAPTER: Final = TypeAdapter(list[Outcome])


def read_outcomes(body: bytes, most: int) -> list[Outcome]:
    """Outcomes of a body.

    Raises:
        MalformedBodyError: it is not JSON.
        InvalidRecordsError: it is JSON, but not 1 to `most` valid outcomes, each of another subject.
    """
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedBodyError(f"The body is not valid JSON: {error}.") from None
    rows = _rows_of(document, most)
    found: list[Outcome] = []
    faults: list[Fault] = []
    count = 0
    for start in range(0, len(rows), _CHUNK):
        try:
            found += _ADAPTER.validate_python(rows[start : start + _CHUNK])
        except ValidationError as error:
            count += error.error_count()
            if len(faults) < _MOST_FAULTS:
                faults += _faults_of(error, start)
    if not count:
        faults = list(_contradictions(found))
        count = len(faults)
    if count:
        raise _refusal(faults, count)
    return found


def _rows_of(document: Any, most: int) -> list[Any]:
    rows = document.get(OUTCOMES) if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(rows, list):
        raise _refusal([body_fault(None, document, 'the body must be an object: {"outcomes": [{...}]}')], 1)
    if not 1 <= len(rows) <= most:
        message = f"outcomes must hold 1 to {most} outcomes, not {len(rows)}"
        raise _refusal([body_fault(OUTCOMES, None, message)], 1)
    return rows


def _faults_of(error: ValidationError, start: int) -> Iterator[Fault]:
    for details in error.errors(include_url=False, include_context=False):
        index, *path = details["loc"]
        field = shorten(str(path[0])) if path else None
        message = details["msg"].removeprefix("Value error, ")
        yield Fault(start + int(index), field, shown(details["input"]), message[0].lower() + message[1:])


def _contradictions(outcomes: list[Outcome]) -> Iterator[Fault]:
    """What is wrong with outcomes whose fields are right one by one."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # somewhere it is tomorrow already
    first: dict[tuple[str | int | None, int], int] = {}
    for index, outcome in enumerate(outcomes):
        subject = (outcome.get("request_id") or outcome.get("encounter_id"), outcome.get("position", 0))
        if ("request_id" in outcome) == ("encounter_id" in outcome):
            message = "give either request_id or encounter_id"
        elif "position" in outcome and "request_id" not in outcome:
            message = "position goes with request_id"
        elif ("readmitted_within_30_days" in outcome) == ("readmitted" in outcome):
            message = "give either readmitted_within_30_days or readmitted"
        elif outcome["known_on"] > tomorrow:
            message = "known_on lies in the future"
        elif (before := first.setdefault(subject, index)) != index:
            message = f"outcome {before} is of the same prediction"
        else:
            continue
        yield Fault(index, None, None, message)


def _refusal(faults: list[Fault], count: int) -> InvalidRecordsError:
    first = faults[0]
    place = "" if first.record is None else f"outcome {first.record}: {f'{first.field}: ' if first.field else ''}"
    more = f" ({count} faults in all)" if count > 1 else ""
    detail = f"{place}{first.message}{more}."
    return InvalidRecordsError(
        detail[0].upper() + detail[1:], [fault.as_json() for fault in faults[:_MOST_FAULTS]], count
    )
