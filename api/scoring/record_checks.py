"""Checks of valid records: values that contradict one another.

A contradiction is a warning and not an error, because the service cannot tell which value is wrong. Every rule holds in
all encounters of the data set, or, for the stored stays of a patient, in all but three patients.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from api.contract.record_columns import RecordColumns
from ml.schema import BY_NAME, FEATURES, Group, Record

_DIAGNOSES: Final = ("diag_1", "diag_2", "diag_3")
_DRUGS: Final = tuple(c.name for c in FEATURES if c.group is Group.MEDICATIONS and "Steady" in c.allowed)
_CHANGED_DOSES: Final = frozenset({"Up", "Down"})
_GIVEN_DOSES: Final = frozenset({"Steady", *_CHANGED_DOSES})
_AGES: Final = {band: place for place, band in enumerate(BY_NAME["age"].allowed)}
_OLDEST_MOTHER: Final = 60
_YEARS_YOUNGER: Final = 20
_PREGNANCY: Final = "pregnancy or birth"
_FEMALE: Final = "the female genital organs"
_MALE: Final = "the male genital organs"
_PERINATAL: Final = "a newborn"
_OF_WOMEN: Final = (_PREGNANCY, _FEMALE)


class RecordWarning(NamedTuple):
    """Values of a record that contradict one another; ``field`` is one of them."""

    record: int
    field: str
    message: str


def contradictions(record: Record) -> Iterator[tuple[str, str]]:
    """Field and message of each contradiction within a record."""
    yield from _of_diagnoses(record)
    yield from _of_medications(record)


def contradictions_with_stays(record: Record, stays: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The same between a record and the stored stays of its patient, each with gender and age."""
    gender, age = record.get("gender"), record.get("age")
    stored = {(stay["gender"], stay["age"]) for stay in stays}
    others = {other for other, _ in stored} & {"Female", "Male"}
    if gender in ("Female", "Male") and others and gender not in others:
        yield "gender", f"gender is {gender}, but the stored stays of this patient_nbr are of another sex"
    oldest = max((_AGES.get(band, 0) for _, band in stored), default=0)
    if age in _AGES and 10 * (oldest - _AGES[age]) >= _YEARS_YOUNGER:
        yield "age", f"age is {age}, but the stored stays of this patient_nbr are of an older patient"


def rows_to_check(columns: RecordColumns) -> NDArray[np.intp]:
    """Rows of records in which :func:`contradictions` may find something; it finds nothing in the others."""
    is_marked = _rows_with(columns, "number_diagnoses", frozenset(range(len(_DIAGNOSES))))
    for name in _DIAGNOSES:
        codes = columns.distinct[name] - {None}
        is_marked |= _rows_with(columns, name, {code for code in codes if _subject(code) is not None})
    changed, given = (_rows_with_drug(columns, doses) for doses in (_CHANGED_DOSES, _GIVEN_DOSES))
    is_marked |= _rows_with(columns, "diabetesMed", {"No"}) & (given | _rows_with(columns, "change", {"Ch"}))
    is_marked |= _rows_with(columns, "change", {"No"}) & changed
    return np.flatnonzero(is_marked)


def _rows_with(columns: RecordColumns, name: str, values: Set[Any]) -> NDArray[np.bool_]:
    found = columns.distinct[name] & values
    if not found:
        return np.zeros(len(columns), dtype=np.bool_)
    return np.fromiter(map(found.__contains__, columns.values[name]), np.bool_, len(columns))


def _rows_with_drug(columns: RecordColumns, doses: frozenset[str]) -> NDArray[np.bool_]:
    is_marked = np.zeros(len(columns), dtype=np.bool_)
    for name in _DRUGS:
        is_marked |= _rows_with(columns, name, doses)
    return is_marked


def _of_diagnoses(record: Record) -> Iterator[tuple[str, str]]:
    given = [(name, str(code)) for name in _DIAGNOSES if (code := record.get(name)) is not None]
    count = record.get("number_diagnoses")
    if isinstance(count, int) and count < len(given):
        yield "number_diagnoses", f"number_diagnoses is {count}, but the record has {len(given)} diagnoses"
    gender, age = record.get("gender"), record.get("age")
    for name, code in given:
        subject = _subject(code)
        if subject is None:
            continue
        if (gender == "Male" and subject in _OF_WOMEN) or (gender == "Female" and subject == _MALE):
            yield name, f"{name} {code} is a diagnosis of {subject}, but gender is {gender}"
        if age is not None and not _is_age_of(subject, 10 * _AGES[str(age)]):
            yield name, f"{name} {code} is a diagnosis of {subject}, but age is {age}"


def _is_age_of(subject: str, years: int) -> bool:
    if subject == _PERINATAL:
        return years < 10
    return subject != _PREGNANCY or 10 <= years < _OLDEST_MOTHER


def _of_medications(record: Record) -> Iterator[tuple[str, str]]:
    if record.get("diabetesMed") == "No":
        if name := _drug_with(record, _GIVEN_DOSES):
            yield "diabetesMed", f"diabetesMed is No, but {name} is {record[name]}"
        if record.get("change") == "Ch":
            yield "change", "change is Ch, but diabetesMed is No"
    elif record.get("change") == "No" and (name := _drug_with(record, _CHANGED_DOSES)):
        yield "change", f"change is No, but the dose of {name} is {record[name]}"


def _drug_with(record: Record, doses: frozenset[str]) -> str | None:
    return next((name for name in _DRUGS if record.get(name) in doses), None)


@lru_cache(maxsize=32_768)
def _subject(code: str) -> str | None:
    """What a canonical ICD-9-CM code implies of the patient."""
    category = code.partition(".")[0]
    if category in ("V22", "V23", "V24", "V27", "V28"):
        return _PREGNANCY
    if not category.isdigit():
        return None
    number = int(category)
    if 630 <= number < 680:
        return _PREGNANCY
    if 179 <= number < 185 or 614 <= number < 630:
        return _FEMALE
    if 185 <= number < 188 or 600 <= number < 609:
        return _MALE
    return _PERINATAL if 760 <= number < 780 else None
