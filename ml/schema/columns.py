"""The 50 columns of the data set: the only list of them in the project.

Database tables, validation, the request models of the API, the form of the UI, load-test payloads and the
inputs of the exported model all derive from :data:`COLUMNS`. Standard library only, so that every service,
however small, can read it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ml.schema import codes

Record = Mapping[str, str | int | None]
"""Values of one encounter by column name; an absent or null value is unknown."""


class Kind(StrEnum):
    """How a value is written and compared."""

    IDENTIFIER = "identifier"  # a whole number that names a patient or an encounter; never a feature
    CATEGORY = "category"  # one of a few texts
    CODE = "code"  # one of a few whole numbers, each with a meaning
    COUNT = "count"  # a whole number between low and high
    ICD9 = "icd9"  # an ICD-9-CM diagnosis code
    TARGET = "target"  # the outcome


class Group(StrEnum):
    """Where a column stands in a form, in the order of a stay."""

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
    """What the absence of a value means in the delivered file."""

    NEVER = "never"  # the row is broken without it
    UNKNOWN = "unknown"  # delivered as "?", stored as NULL
    NOT_MEASURED = "not measured"  # delivered as the category "None", stored as such


ICD9_PATTERN: Final = r"^([0-9]{1,3}(\.[0-9]{1,2})?|V[0-9]{2}(\.[0-9]{1,2})?|E[0-9]{3}(\.[0-9])?)$"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: type, allowed values or range, label, unit, group and missing-value rule."""

    name: str
    kind: Kind
    label: str
    group: Group
    missing: Missing = Missing.NEVER
    allowed: tuple[str | int, ...] = ()
    low: int | None = None
    high: int | None = None
    unit: str = ""
    texts: Mapping[str | int, str] = field(default_factory=dict)
    example: str | int | None = None

    @property
    def is_feature(self) -> bool:
        """Whether a model may see it."""
        return self.kind not in (Kind.IDENTIFIER, Kind.TARGET)

    @property
    def is_number(self) -> bool:
        """Whether the value is a whole number (in JSON, in PostgreSQL and as an input of the model)."""
        return self.kind in (Kind.IDENTIFIER, Kind.CODE, Kind.COUNT)

    def accepts(self, value: object) -> bool:
        """Whether a known value, as JSON has it, is one that the column allows."""
        if self.kind is Kind.ICD9:
            return isinstance(value, str) and re.fullmatch(ICD9_PATTERN, value) is not None
        if self.kind in (Kind.COUNT, Kind.IDENTIFIER):
            return type(value) is int and (self.low or 0) <= value <= (self.high or 0)
        return type(value) in (int, str) and value in self.allowed

    def text_of(self, value: str | int) -> str:
        """What a person reads for a value: its meaning where the code book has one, else the value."""
        return self.texts.get(value, str(value))

    @property
    def expectation(self) -> str:
        """Allowed values as half a sentence, for error messages and documentation."""
        if self.kind is Kind.ICD9:
            return "an ICD-9-CM code such as 428, 250.83, V27 or E909"
        if self.kind in (Kind.COUNT, Kind.IDENTIFIER):
            return f"a whole number from {self.low} to {self.high}"
        return "one of " + ", ".join(repr(v) if isinstance(v, str) else str(v) for v in self.allowed)


_AGES = tuple(f"[{start}-{start + 10})" for start in range(0, 100, 10))
_WEIGHTS = (*(f"[{start}-{start + 25})" for start in range(0, 200, 25)), ">200")
_BIGINT = 2**63 - 1


def _identifier(name: str, label: str) -> Column:
    return Column(name, Kind.IDENTIFIER, label, Group.IDENTITY, low=1, high=_BIGINT)


def _category(
    name: str, label: str, group: Group, values: Mapping[str, str] | tuple[str, ...], **more: object
) -> Column:
    texts = dict(values) if isinstance(values, Mapping) else {}
    return Column(name, Kind.CATEGORY, label, group, allowed=tuple(values), texts=texts, **more)  # type: ignore[arg-type]


def _code(name: str, label: str, meanings: Mapping[int, str], example: int) -> Column:
    return Column(
        name, Kind.CODE, label, Group.ADMISSION, allowed=tuple(meanings), texts=dict(meanings.items()), example=example
    )


def _count(name: str, label: str, group: Group, low: int, high: int, unit: str, example: int) -> Column:
    return Column(name, Kind.COUNT, label, group, low=low, high=high, unit=unit, example=example)


def _diagnosis(name: str, label: str, example: str) -> Column:
    return Column(name, Kind.ICD9, label, Group.DIAGNOSES, Missing.UNKNOWN, unit="ICD-9-CM", example=example)


def _drug(name: str, example: str = "No") -> Column:
    return _category(name, name.capitalize(), Group.MEDICATIONS, codes.DOSE, example=example)


COLUMNS: Final[tuple[Column, ...]] = (
    _identifier("encounter_id", "Encounter"),
    _identifier("patient_nbr", "Patient"),
    _category(
        "race",
        "Race",
        Group.DEMOGRAPHICS,
        {
            "Caucasian": "Caucasian",
            "AfricanAmerican": "African American",
            "Hispanic": "Hispanic",
            "Asian": "Asian",
            "Other": "Other",
        },
        missing=Missing.UNKNOWN,
        example="Caucasian",
    ),
    _category("gender", "Gender", Group.DEMOGRAPHICS, ("Female", "Male", "Unknown/Invalid"), example="Female"),
    _category("age", "Age", Group.DEMOGRAPHICS, _AGES, unit="years", example="[60-70)"),
    _category(
        "weight", "Weight", Group.DEMOGRAPHICS, _WEIGHTS, unit="pounds", missing=Missing.UNKNOWN, example="[75-100)"
    ),
    _code("admission_type_id", "Admission type", codes.ADMISSION_TYPE, 1),
    _code("discharge_disposition_id", "Discharged to", codes.DISCHARGE_DISPOSITION, 1),
    _code("admission_source_id", "Admission source", codes.ADMISSION_SOURCE, 7),
    _count("time_in_hospital", "Length of stay", Group.STAY, 1, 14, "days", 3),
    _category("payer_code", "Payer", Group.ADMISSION, codes.PAYER, missing=Missing.UNKNOWN, example="MC"),
    _category(
        "medical_specialty",
        "Specialty of the admitting physician",
        Group.ADMISSION,
        codes.SPECIALTIES,
        missing=Missing.UNKNOWN,
        example="InternalMedicine",
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
    _category(
        "max_glu_serum",
        "Highest serum glucose",
        Group.LABS,
        codes.GLUCOSE_SERUM,
        missing=Missing.NOT_MEASURED,
        example="None",
    ),
    _category("A1Cresult", "HbA1c", Group.LABS, codes.A1C, missing=Missing.NOT_MEASURED, example=">8"),
    _drug("metformin"),
    _drug("repaglinide"),
    _drug("nateglinide"),
    _drug("chlorpropamide"),
    _drug("glimepiride"),
    _drug("acetohexamide"),
    _drug("glipizide"),
    _drug("glyburide"),
    _drug("tolbutamide"),
    _drug("pioglitazone"),
    _drug("rosiglitazone"),
    _drug("acarbose"),
    _drug("miglitol"),
    _drug("troglitazone"),
    _drug("tolazamide"),
    _drug("examide"),
    _drug("citoglipton"),
    _drug("insulin", "Steady"),
    _drug("glyburide-metformin"),
    _drug("glipizide-metformin"),
    _drug("glimepiride-pioglitazone"),
    _drug("metformin-rosiglitazone"),
    _drug("metformin-pioglitazone"),
    _category("change", "Diabetes medication changed", Group.MEDICATIONS, {"No": "No", "Ch": "Changed"}, example="No"),
    _category("diabetesMed", "Diabetes medication given", Group.MEDICATIONS, ("No", "Yes"), example="Yes"),
    Column(
        "readmitted",
        Kind.TARGET,
        "Readmitted",
        Group.OUTCOME,
        allowed=("NO", ">30", "<30"),
        texts={"NO": "Not readmitted", ">30": "After more than 30 days", "<30": "Within 30 days"},
    ),
)
