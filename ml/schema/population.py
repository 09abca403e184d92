"""The model's population: encounters after which a readmission is possible."""

from collections.abc import Mapping
from typing import Any, Final

from ml.schema import BY_NAME, CANNOT_BE_READMITTED
from ml.schema.columns import Record

DISPOSITION: Final = "discharge_disposition_id"

OUTSIDE: Final[Mapping[Any, str]] = {
    code: f"{DISPOSITION} {code} ({BY_NAME[DISPOSITION].text_of(code)}): a readmission is not possible, and the model "
    "was fitted without such encounters"
    for code in CANNOT_BE_READMITTED
}
"""Reasons why the model does not apply to an encounter, by discharge disposition."""


def outside_population(record: Record) -> str | None:
    """The reason why the model does not apply to a record; None if it does."""
    return OUTSIDE.get(record.get(DISPOSITION))
