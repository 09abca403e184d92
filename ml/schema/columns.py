"""The 50 columns of the data set: the only list of them in the project.

Database tables, validation, request models, the form of the UI, load-test payloads and the inputs of the exported
model derive from :data:`COLUMNS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ml.schema import codes, icd9, icd10, identifiers

Record = Mapping[str, str | int | None]
"""Values of one encounter by column name; an absent or null value is unknown."""


class Kind(StrEnum):
    """Type of a column."""

    IDENTIFIER = "identifier"  # integer in delivered files, also text in requests; never a feature
    CATEGORY = "category"  # one of a few texts
    CODE = "code"  # one of a few integers with a meaning
    COUNT = "count"  # integer from low to high
    ICD9 = "icd9"  # an ICD-9-CM diagnosis code
    ICD10 = "icd10"  # an ICD-10-CM diagnosis code; only in requests, never in the data set
    TARGET = "target"  # the outcome


class Group(StrEnum):
    """Section of the form, in display order."""

    IDENTITY = "Identity"
    DEMOGRAPHICS = "Demographics"
    ADMISSION = "Admission and discharge"
    UTILISATION = "Prior year"
    STAY = "This stay"
    DIAGNOSES = "Diagnoses"
    LABS = "Laboratory"
    MEDICATIONS = "Medications"
    HISTORY = "Earlier stays"
    OUTCOME = "Outcome"


class Missing(StrEnum):
    """Meaning of an absent value in the delivered file."""

    NEVER = "never"  # the row is rejected without it
    UNKNOWN = "unknown"  # delivered as "?", stored as NULL
    NOT_MEASURED = "not measured"  # delivered as the category "None", stored as such


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``texts`` are the labels of its values."""

    name: str
    kind: Kind
    label: str
    group: Group
    missing: Missing = Missing.NEVER
    allowed: tuple[str | int, ...] = ()
    low: int | None = None
    high: int | None = None
    unit: str = ""
    texts: Mapping[Any, str] = field(default_factory=dict)
    example: str | int | None = None

    @property
    def is_feature(self) -> bool:
        """Whether the column is an input of the model."""
        return self.kind not in (Kind.IDENTIFIER, Kind.TARGET)

    @property
    def is_number(self) -> bool:
        """Whether values are integers in JSON and PostgreSQL, and a number as model input."""
        return self.kind in (Kind.IDENTIFIER, Kind.CODE, Kind.COUNT)

    def canonical(self, value: object) -> str | int:
        """A known JSON value in the spelling of the data set.

        Raises:
            ValueError: the value is not valid for the column.
        """
        if self.kind is Kind.ICD9 and isinstance(value, str):
            return icd9.canonical_icd9(value)
        if self.kind is Kind.ICD10 and isinstance(value, str):
            return icd10.canonical_icd10(value)
        if self.kind is Kind.IDENTIFIER:
            return identifiers.canonical_identifier(value)
        if isinstance(value, str | int) and self._allows(value):
            return value
        raise ValueError(f"{value!r} is not {self.expectation}")

    def accepts(self, value: object) -> bool:
        """Whether a known JSON value is valid for the column."""
        try:
            self.canonical(value)
        except ValueError:
            return False
        return True

    def _allows(self, value: str | int) -> bool:
        if self.kind is Kind.COUNT:
            return type(value) is int and (self.low or 0) <= value <= (self.high or 0)
        return type(value) in (int, str) and value in self.allowed

    def text_of(self, value: str | int) -> str:
        """Label of a value; the value itself if it has none."""
        return self.texts.get(value, str(value))

    @property
    def expectation(self) -> str:
        """Valid values as a phrase, for error messages and documentation."""
        if self.kind is Kind.ICD9:
            return "an ICD-9-CM code such as 428, 250.83, V27 or E909"
        if self.kind is Kind.ICD10:
            return "an ICD-10-CM code such as E11.9, I50.32 or Z79.4"
        if self.kind in (Kind.COUNT, Kind.IDENTIFIER):
            return f"a whole number from {self.low} to {self.high}"
        return "one of " + ", ".join(repr(v) if isinstance(v, str) else str(v) for v in self.allowed)


_AGES = tuple(f"[{start}-{start + 10})" for start in range(0, 100, 10))
_WEIGHTS = (*(f"[{start}-{start + 25})" for start in range(0, 200, 25)), ">200")
_DRUGS = """
    metformin repaglinide nateglinide chlorpropamide glimepiride acetohexamide glipizide glyburide tolbutamide
    pioglitazone rosiglitazone acarbose miglitol troglitazone tolazamide examide citoglipton insulin
    glyburide-metformin glipizide-metformin glimepiride-pioglitazone metformin-rosiglitazone metformin-pioglitazone
""".split()


def _category(
    name: str,
    label: str,
    group: Group,
    values: Mapping[str, str] | tuple[str, ...],
    example: str,
    missing: Missing = Missing.NEVER,
    unit: str = "",
) -> Column:
    texts = values if isinstance(values, Mapping) else {}
    return Column(name, Kind.CATEGORY, label, group, missing, tuple(values), unit=unit, texts=texts, example=example)


def _code(name: str, label: str, meanings: Mapping[int, str], example: int) -> Column:
    return Column(name, Kind.CODE, label, Group.ADMISSION, allowed=tuple(meanings), texts=meanings, example=example)


def _count(name: str, label: str, group: Group, low: int, high: int, unit: str, example: int) -> Column:
    return Column(name, Kind.COUNT, label, group, low=low, high=high, unit=unit, example=example)


def _diagnosis(name: str, label: str, example: str) -> Column:
    return Column(name, Kind.ICD9, label, Group.DIAGNOSES, Missing.UNKNOWN, unit="ICD-9-CM", example=example)


def _drug(name: str) -> Column:
    example = "Steady" if name == "insulin" else "No"
    return _category(name, name.capitalize(), Group.MEDICATIONS, codes.DOSE, example)


COLUMNS: Final[tuple[Column, ...]] = (
    Column("encounter_id", Kind.IDENTIFIER, "Encounter", Group.IDENTITY, low=1, high=identifiers.MAX_NUMBER),
    Column("patient_nbr", Kind.IDENTIFIER, "Patient", Group.IDENTITY, low=1, high=identifiers.MAX_NUMBER),
    _category("race", "Race", Group.DEMOGRAPHICS, codes.RACE, "Caucasian", Missing.UNKNOWN),
    _category("gender", "Gender", Group.DEMOGRAPHICS, ("Female", "Male", "Unknown/Invalid"), "Female"),
    _category("age", "Age", Group.DEMOGRAPHICS, _AGES, "[60-70)", unit="years"),
    _category("weight", "Weight", Group.DEMOGRAPHICS, _WEIGHTS, "[75-100)", Missing.UNKNOWN, "pounds"),
    _code("admission_type_id", "Admission type", codes.ADMISSION_TYPE, 1),
    _code("discharge_disposition_id", "Discharged to", codes.DISCHARGE_DISPOSITION, 1),
    _code("admission_source_id", "Admission source", codes.ADMISSION_SOURCE, 7),
    _count("time_in_hospital", "Length of stay", Group.STAY, 1, 14, "days", 3),
    _category("payer_code", "Payer", Group.ADMISSION, codes.PAYER, "MC", Missing.UNKNOWN),
    _category(
        "medical_specialty",
        "Specialty of the admitting physician",
        Group.ADMISSION,
        codes.SPECIALTIES,
        "InternalMedicine",
        Missing.UNKNOWN,
    ),
    _count("num_lab_procedures", "Laboratory tests", Group.STAY, 0, 150, "tests", 44),
    _count("num_procedures", "Other procedures", Group.STAY, 0, 10, "procedures", 1),
    _count("num_medications", "Distinct medications", Group.STAY, 0, 100, "medications", 15),
    _count("number_outpatient", "Outpatient visits", Group.UTILISATION, 0, 100, "visits in the prior year", 0),
    _count("number_emergency", "Emergency visits", Group.UTILISATION, 0, 100, "visits in the prior year", 0),
    _count("number_inpatient", "Inpatient stays", Group.UTILISATION, 0, 50, "stays in the prior year", 1),
    _diagnosis("diag_1", "Primary diagnosis", "428"),
    _diagnosis("diag_2", "Second diagnosis", "250.02"),
    _diagnosis("diag_3", "Third diagnosis", "401"),
    _count("number_diagnoses", "Diagnoses recorded", Group.DIAGNOSES, 1, 16, "diagnoses", 9),
    _category("max_glu_serum", "Highest serum glucose", Group.LABS, codes.GLUCOSE_SERUM, "None", Missing.NOT_MEASURED),
    _category("A1Cresult", "HbA1c", Group.LABS, codes.A1C, ">8", Missing.NOT_MEASURED),
    *map(_drug, _DRUGS),
    _category("change", "Diabetes medication changed", Group.MEDICATIONS, {"No": "No", "Ch": "Changed"}, "No"),
    _category("diabetesMed", "Diabetes medication given", Group.MEDICATIONS, ("No", "Yes"), "Yes"),
    Column(
        "readmitted",
        Kind.TARGET,
        "Readmitted",
        Group.OUTCOME,
        allowed=("NO", ">30", "<30"),
        texts={"NO": "Not readmitted", ">30": "After more than 30 days", "<30": "Within 30 days"},
    ),
)
