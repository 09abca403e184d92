"""Request and response models. Those of the request derive from :mod:`ml.schema`, the only list of columns.

A record is a TypedDict and not a model class: what Pydantic has validated is then already the mapping that
the bundle encodes and the prediction log stores, under the keys of the data set, with nothing copied.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from ml.bundle import Record
from ml.schema import EXAMPLE_RECORD, FEATURES, ICD9_PATTERN, Column, Kind

SHORT_RECORD: Final = {name: EXAMPLE_RECORD[name] for name in ("race", "gender", "age")}
RECORD: Final = "PatientRecord"
REQUEST: Final = "PredictRequest"
ASCII_ICD9: Final = ICD9_PATTERN.replace(r"\d", "[0-9]")
"""JSON Schema's ``\\d`` means 0-9; that of Pydantic would also take the digits of other scripts."""


@dataclass(frozen=True)
class _WholeNumber:
    """A whole number of a range or a code book. As in JSON Schema 3.0 is 3; but "3" is not, nor is true 1."""

    low: int
    high: int
    allowed: tuple[str | int, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        low, high = self.low, self.high
        whole_float = core_schema.float_schema(strict=True, allow_inf_nan=False, multiple_of=1, ge=low, le=high)
        from_float = core_schema.chain_schema([whole_float, core_schema.no_info_plain_validator_function(int)])
        number = core_schema.union_schema(
            [core_schema.int_schema(strict=True, ge=low, le=high), from_float],
            mode="left_to_right",
            custom_error_type="whole_number",
            custom_error_message="not a whole number that is allowed here",
        )
        if self.allowed:
            return core_schema.chain_schema([number, core_schema.literal_schema(list(self.allowed))])
        return number

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if self.allowed:
            return {"type": "integer", "enum": list(self.allowed)}
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


def describe(column: Column) -> str:
    """What Swagger says of a field: unit, what is allowed, what the codes mean, what absence means."""
    unit = f" ({column.unit})" if column.unit else ""
    meanings = "; ".join(f"{value} = {text}" for value, text in column.texts.items() if str(value) != text)
    allowed = column.expectation[0].upper() + column.expectation[1:]
    return f"{column.label}{unit}. {allowed}.{f' {meanings}.' if meanings else ''} Absent or null: unknown."


def _type_of(column: Column) -> Any:
    match column.kind:
        case Kind.ICD9:
            inner: Any = Annotated[str, Field(pattern=ASCII_ICD9)]
        case Kind.CODE:
            codes = [int(code) for code in column.allowed]
            inner = Annotated[int, _WholeNumber(min(codes), max(codes), column.allowed)]
        case Kind.COUNT:
            inner = Annotated[int, _WholeNumber(column.low or 0, column.high or 0)]
        case _:
            inner = Literal[column.allowed]
    return Annotated[inner | None, Field(title=column.label, description=describe(column), examples=[column.example])]


_STRICT: Final = ConfigDict(extra="forbid", strict=True)

PatientRecord = TypedDict(RECORD, {column.name: _type_of(column) for column in FEATURES}, total=False)  # type: ignore[misc]
PatientRecord.__doc__ = "One hospital encounter. Any subset of the fields; an absent one is unknown."
PatientRecord.__pydantic_config__ = ConfigDict(  # type: ignore[attr-defined]
    **_STRICT, json_schema_extra={"examples": [dict(SHORT_RECORD), dict(EXAMPLE_RECORD)]}
)


class PredictRequest(TypedDict):
    """Encounters to score."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    records: Annotated[
        list[PatientRecord],
        Field(min_length=1, title="Records", description="Encounters, scored in this order."),
    ]


_Checked = dict[str, list[Record]]
REQUEST_ADAPTER: Final[TypeAdapter[_Checked]] = TypeAdapter(cast(type[_Checked], PredictRequest))
RECORDS_ADAPTER: Final[TypeAdapter[list[Record]]] = TypeAdapter(cast(type[list[Record]], list[PatientRecord]))


class ModelName(BaseModel):
    """The model version that gave an answer."""

    name: str = Field(examples=["diabetes-readmission"])
    version: str = Field(examples=["3"])
    data_source: str = Field(description="What it was trained on: real or synthetic data.", examples=["real"])


class PredictResponse(BaseModel):
    """Calibrated probabilities of readmission within 30 days, in the order of the records."""

    predictions: list[float] = Field(examples=[[0.18]])
    model: ModelName
    request_id: str = Field(examples=["5f0c9d0a4a6e4d0f8d0d4f6f2d3f7a11"])


class Metric(BaseModel):
    """A figure on the test patients, with its 95 % interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class RegistryStatus(BaseModel):
    """What the last look at the registry found."""

    reachable: bool
    version: str | None = Field(description="The version that the alias production names.")
    checked_at: str | None = Field(description="When the registry last answered.")
    since: str | None = Field(description="Since when it has been reachable, or away.")
    error: str | None


class Refusal(BaseModel):
    """A production version that failed its checks; the model before it serves on."""

    version: str
    reason: str
    at: str


class ModelDescription(BaseModel):
    """The model that answers now."""

    name: str
    version: str
    algorithm: str
    data_source: str
    data_version: str
    trained_at: str
    metrics: dict[str, Metric]
    prevalence: float
    risk_quantiles: list[float] = Field(description="101 quantiles of risk among the test patients, 0 % to 100 %.")
    loaded_at: str
    registry: RegistryStatus
    refused: Refusal | None


class Status(BaseModel):
    """A word on how the service is."""

    status: str


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    record: int | None = Field(description="Index of the record, from 0.")
    field: str | None
    value: Any = Field(description="What was given, shortened.")
    message: str
    allowed: list[str | int] | None = None


class Problem(BaseModel):
    """What went wrong, by RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[Fault] = Field(default=[], description="The first faults of the body, with status 422.")
    error_count: int = Field(default=0, description="How many faults the body has, with status 422.")
