"""Request models of records, derived from :mod:`ml.schema`, the only list of columns.

A record is a TypedDict and not a model class: the validated mapping is encoded and logged as it is, without a copy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, cast

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from ml.schema import (
    BY_NAME,
    ENCOUNTER_ID,
    EXAMPLE_RECORD,
    FEATURE_NAMES,
    ICD9_PATTERN,
    PATIENT_ID,
    Column,
    Kind,
    Record,
    canonical_icd9,
    identifiers,
)
from ml.schema.code_systems import COLUMNS_IN, DIAGNOSES, CodeSystem
from ml.schema.icd10 import ICD10_PATTERN, canonical_icd10

IDENTIFIERS: Final = (BY_NAME[PATIENT_ID], BY_NAME[ENCOUNTER_ID])
"""Fields of a record that no model sees: they select the earlier stays of the patient."""
FIELD_NAMES: Final = (*FEATURE_NAMES, *(column.name for column in IDENTIFIERS))

SHORT_RECORD: Final = {name: EXAMPLE_RECORD[name] for name in ("race", "gender", "age")}
KNOWN_PATIENT: Final[dict[str, Any]] = {PATIENT_ID: 338_247, ENCOUNTER_ID: 14_409_084, **SHORT_RECORD}
RECORD: Final = "PatientRecord"
REQUEST: Final = "PredictRequest"
EXPLAIN_REQUEST: Final = "ExplainRequest"
MAX_EXPLAIN_RECORDS: Final = 20
"""An explanation costs as much as hundreds of predictions."""


@dataclass(frozen=True)
class WholeNumber:
    """A whole number of a range or of a set of codes. 3.0 is valid as 3, as in JSON Schema; "3" and true are not."""

    low: int
    high: int
    allowed: tuple[str | int, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        low, high = self.low, self.high
        whole_float = core_schema.float_schema(strict=True, allow_inf_nan=False, multiple_of=1, ge=low, le=high)
        whole = core_schema.int_schema(strict=True, ge=low, le=high)
        # The range is validated again: as a float, the largest 64-bit number is one too large.
        to_int = core_schema.no_info_plain_validator_function(int)
        number = core_schema.union_schema(
            [whole, core_schema.chain_schema([whole_float, to_int, whole])],
            mode="left_to_right",
            custom_error_type="whole_number",
            custom_error_message="not an allowed whole number",
        )
        if self.allowed:
            return core_schema.chain_schema([number, core_schema.literal_schema(list(self.allowed))])
        return number

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if self.allowed:
            return {"type": "integer", "enum": list(self.allowed)}
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class DiagnosisCode:
    """A diagnosis code in any spelling, validated to the canonical one."""

    canonical: Callable[[str], str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(strict=True, max_length=20)
        return core_schema.no_info_after_validator_function(self.canonical, text)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # One model of a record for both code systems: the request says which of the patterns holds.
        return {"type": "string", "pattern": f"{ICD9_PATTERN}|{ICD10_PATTERN}"}


class Identifier:
    """A number, or a text of another system, validated to its canonical form."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(identifiers.canonical_identifier)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        number = {"type": "integer", "minimum": 1, "maximum": identifiers.MAX_NUMBER}
        text = {"type": "string", "maxLength": identifiers.MAX_LENGTH, "pattern": identifiers.TEXT_PATTERN}
        return {"anyOf": [number, text]}


def describe(column: Column) -> str:
    """Description of a field in the OpenAPI document: unit, allowed values, meanings of codes, meaning of absence."""
    unit = f" ({column.unit})" if column.unit else ""
    meanings = "; ".join(f"{value} = {text}" for value, text in column.texts.items() if str(value) != text)
    allowed = column.expectation[0].upper() + column.expectation[1:]
    if column.name in DIAGNOSES:
        meanings = f"With `code_system` {CodeSystem.ICD10}: {COLUMNS_IN[CodeSystem.ICD10][column.name].expectation}"
    return f"{column.label}{unit}. {allowed}.{f' {meanings}.' if meanings else ''} Absent or null: unknown."


def _field_type(column: Column) -> Any:
    match column.kind:
        case Kind.ICD9:
            inner: Any = Annotated[str, DiagnosisCode(canonical_icd9)]
        case Kind.ICD10:
            inner = Annotated[str, DiagnosisCode(canonical_icd10)]
        case Kind.CODE:
            codes = [int(code) for code in column.allowed]
            inner = Annotated[int, WholeNumber(min(codes), max(codes), column.allowed)]
        case Kind.COUNT:
            inner = Annotated[int, WholeNumber(column.low or 0, column.high or 0)]
        case _:
            inner = Literal[column.allowed]
    return Annotated[inner | None, Field(title=column.label, description=describe(column), examples=[column.example])]


_DESCRIPTIONS: Final = {
    PATIENT_ID: "The patient, never an input of the model: the service looks up the earlier stays of a number; a text "
    'has none. `8222157` and `"8222157"` are the same. Absent or null: no history.',
    ENCOUNTER_ID: "This encounter, never an input of the model: only stays with smaller numbers count as earlier. "
    "A text, absent or null: all stays of the patient count.",
}


def _identifier_type(column: Column) -> Any:
    identifier = Annotated[int | str, Identifier]
    description, example = _DESCRIPTIONS[column.name], KNOWN_PATIENT[column.name]
    return Annotated[identifier | None, Field(title=column.label, description=description, examples=[example])]


CODE_SYSTEM_DESCRIPTION: Final = (
    f"Code system of the diagnoses. Those in {CodeSystem.ICD10} are converted to {CodeSystem.ICD9}, the code system of "
    f"the training data. Absent: {CodeSystem.ICD9}."
)
_STRICT: Final = ConfigDict(extra="forbid", strict=True)


def _fields(code_system: CodeSystem) -> dict[str, Any]:
    features = {name: _field_type(COLUMNS_IN[code_system][name]) for name in FEATURE_NAMES}
    return features | {column.name: _identifier_type(column) for column in IDENTIFIERS}


PatientRecord = TypedDict(RECORD, _fields(CodeSystem.ICD9), total=False)  # type: ignore[misc]
_Icd10Record = TypedDict("_Icd10Record", _fields(CodeSystem.ICD10), total=False)  # type: ignore[misc]
PatientRecord.__doc__ = (
    "One hospital encounter: any subset of the 47 features (an absent one is unknown) and optional identifiers."
)
PatientRecord.__pydantic_config__ = ConfigDict(  # type: ignore[attr-defined]
    **_STRICT, json_schema_extra={"examples": [dict(SHORT_RECORD), dict(KNOWN_PATIENT), dict(EXAMPLE_RECORD)]}
)
_Icd10Record.__pydantic_config__ = _STRICT  # type: ignore[attr-defined]


class PredictRequest(TypedDict):
    """Encounters to score."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    records: Annotated[
        list[PatientRecord],
        Field(min_length=1, title="Records", description="Encounters, scored in this order."),
    ]
    code_system: NotRequired[
        Annotated[
            CodeSystem | None,
            Field(title="Code system", description=CODE_SYSTEM_DESCRIPTION, default=CodeSystem.ICD9.value),
        ]
    ]


_Request = dict[str, Any]
_Records = list[Record]
REQUEST_ADAPTER: Final[TypeAdapter[_Request]] = TypeAdapter(cast(type[_Request], PredictRequest))
RECORDS_ADAPTER: Final[TypeAdapter[_Records]] = TypeAdapter(cast(type[_Records], list[PatientRecord]))
RECORDS_ADAPTERS: Final[Mapping[CodeSystem, TypeAdapter[_Records]]] = {
    CodeSystem.ICD9: RECORDS_ADAPTER,
    CodeSystem.ICD10: TypeAdapter(cast(type[_Records], list[_Icd10Record])),
}
