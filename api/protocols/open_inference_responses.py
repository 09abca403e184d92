"""Response models of the Open Inference Protocol, as the service's document describes them."""

from typing import Any

from pydantic import BaseModel, Field


class MetadataTensor(BaseModel):
    """A tensor that the model takes or gives."""

    name: str = Field(examples=["age"])
    datatype: str = Field(examples=["BYTES"])
    shape: list[int] = Field(examples=[[-1]])


class MetadataModel(BaseModel):
    """The model that is served. Every input may be left out: the field is then unknown."""

    name: str = Field(examples=["diabetes-readmission"])
    versions: list[str] = Field(examples=[["3"]])
    platform: str = Field(examples=["onnx_onnxv1"])
    inputs: list[MetadataTensor]
    outputs: list[MetadataTensor]


class MetadataServer(BaseModel):
    """The service."""

    name: str = Field(examples=["readmission-risk"])
    version: str = Field(examples=["1"])
    extensions: list[str] = Field(examples=[[]])


class Live(BaseModel):
    """Whether the service answers."""

    live: bool


class Ready(BaseModel):
    """Whether a model answers."""

    ready: bool


class ModelReady(Ready):
    """Whether this model answers."""

    name: str = Field(examples=["diabetes-readmission"])


class Tensor(BaseModel):
    """A tensor with its values."""

    name: str = Field(examples=["probability"])
    datatype: str = Field(examples=["FP32"])
    shape: list[int] = Field(examples=[[1]])
    data: list[Any] = Field(examples=[[0.18]])


class InferenceResponse(BaseModel):
    """Answers, in the order of the records."""

    model_name: str = Field(examples=["diabetes-readmission"])
    model_version: str = Field(examples=["3"])
    id: str = Field(description="The request's own, else the X-Request-ID.")
    outputs: list[Tensor]


class InferenceError(BaseModel):
    """What went wrong."""

    error: str
