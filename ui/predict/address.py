"""The entries of the form in the address of the page, so that a link, F5 and the back button keep them.

Names and values are those of the data set, the same in every language. Identifiers and what is not valid never go into
the address: addresses are kept in histories and logs.
"""

from collections.abc import Mapping
from typing import Final

from ml.schema import FEATURES
from ml.schema.code_systems import CODE_SYSTEM, COLUMNS_IN, CodeSystem
from ui.address import query
from ui.predict import fields, medications, result
from ui.predict.fields import Entries, Value

OTHERS: Final = "other_medications"
NAMES: Final = frozenset({*(column.name for column in FEATURES), CODE_SYSTEM, OTHERS})
"""Parameters of the address; others, such as the language, are not of the form."""

_PATH: Final = ""
"""The Prediction page is the first one: its path is empty."""


def encode(entries: Entries, excess: Mapping[str, int]) -> dict[str, str]:
    """The parameters of the entries; ``excess`` has the entered values that the record has the highest allowed for."""
    columns = COLUMNS_IN[entries.system]
    known = {name: value for name, value in entries.record.items() if name in NAMES and columns[name].accepts(value)}
    if medications.ALL.keys() <= known.keys():
        known = {name: value for name, value in known.items() if not _is_not_prescribed(name, value)}
        known[OTHERS] = medications.NOT_PRESCRIBED
    if entries.system is not CodeSystem.ICD9:
        known[CODE_SYSTEM] = entries.system.value
    return {name: str(value) for name, value in {**known, **excess}.items()}


def decode(parameters: Mapping[str, str]) -> Entries:
    """The entries of an address; what is not valid is left out."""
    is_icd10 = parameters.get(CODE_SYSTEM) == CodeSystem.ICD10.value
    columns = COLUMNS_IN[system := CodeSystem.ICD10 if is_icd10 else CodeSystem.ICD9]
    record: dict[str, Value] = {}
    if parameters.get(OTHERS) == medications.NOT_PRESCRIBED:
        record = dict.fromkeys(medications.ALL, medications.NOT_PRESCRIBED)
    for name in parameters.keys() & NAMES - {CODE_SYSTEM, OTHERS}:
        column, text = columns[name], parameters[name]
        value: Value = int(text) if column.is_number and text.isascii() and text.isdecimal() else text
        if column.accepts(value):
            record[name] = column.canonical(value)
        elif name in fields.CAPPED and isinstance(value, int) and value <= fields.MOST_DAYS:
            record[name] = value
    return Entries(record, system)


def load() -> None:
    """Fill in the form from the address, if it was opened or the browser went back to it (before the form is drawn)."""
    if given := query.opened(_PATH, NAMES):
        fields.fill(*decode(given))
        result.clear()


def write() -> None:
    """Put the entries into the address."""
    query.write(_PATH, NAMES, encode(fields.entries(), fields.excesses()))


def _is_not_prescribed(name: str, value: Value) -> bool:
    return name in medications.ALL and value == medications.NOT_PRESCRIBED
