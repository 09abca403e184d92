"""Code systems of the diagnoses in a request: ICD-9-CM, that of the data set, or ICD-10-CM, which is converted."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final

from ml.schema.columns import COLUMNS, Column, Kind, Record
from ml.schema.icd10 import Conversion, to_icd9

CODE_SYSTEM: Final = "code_system"
"""The name of the parameter of a request."""


class CodeSystem(StrEnum):
    """A code system of diagnoses."""

    ICD9 = "icd-9-cm"
    ICD10 = "icd-10-cm"


_BY_NAME: Final = {column.name: column for column in COLUMNS}
DIAGNOSES: Final = tuple(name for name, column in _BY_NAME.items() if column.kind is Kind.ICD9)
_ICD10: Final = {
    name: replace(_BY_NAME[name], kind=Kind.ICD10, unit="ICD-10-CM", example="I50.9") for name in DIAGNOSES
}

COLUMNS_IN: Final[Mapping[CodeSystem, Mapping[str, Column]]] = {
    CodeSystem.ICD9: _BY_NAME,
    CodeSystem.ICD10: {**_BY_NAME, **_ICD10},
}
"""Columns by name, as requests in a code system have them."""


class ConvertedRecord(dict[str, str | int | None]):
    """A record with its diagnoses in ICD-9-CM, and how each of them was converted by field."""

    __slots__ = ("conversions",)

    def __init__(self, record: Record) -> None:
        """Convert a record with valid ICD-10-CM codes; a diagnosis without counterpart is unknown."""
        self.conversions: Mapping[str, Conversion] = {
            name: to_icd9(code) for name in DIAGNOSES if isinstance(code := record.get(name), str)
        }
        codes = {name: conversion.used for name, conversion in self.conversions.items()}
        super().__init__({name: value for name, value in {**record, **codes}.items() if value is not None})

    @property
    def codes(self) -> dict[str, dict[str, object]]:
        """What each code became, by field, as JSON."""
        return {
            field: {"given": conversion.given, "used": conversion.used, "choices": conversion.choices}
            for field, conversion in self.conversions.items()
        }
