"""Responses of the Open Inference Protocol: metadata, model configuration (an extension of Triton's) and errors."""

from typing import Any

from pydantic import BaseModel, Field


class MetadataTensor(BaseModel):
    """An input or output of the model."""

    name: str = Field(examples=["age"])
    datatype: str = Field(examples=["BYTES"])
    shape: list[int] = Field(examples=[[-1]])


class MetadataModel(BaseModel):
    """The served model. Every input is optional: an absent field is unknown."""

    name: str = Field(examples=["diabetes-readmission"])
    versions: list[str] = Field(examples=[["3"]])
    platform: str = Field(examples=["onnx_onnxv1"])
    inputs: list[MetadataTensor]
    outputs: list[MetadataTensor]


class MetadataServer(BaseModel):
    """The service."""

    name: str = Field(examples=["readmission-risk"])
    version: str = Field(examples=["1"])
    extensions: list[str] = Field(examples=[["binary_tensor_data"]])


class ConfigurationTensor(BaseModel):
    """An input or output of the model."""

    name: str = Field(examples=["age"])
    data_type: str = Field(examples=["TYPE_STRING"])
    dims: list[int] = Field(examples=[[-1]])
    optional: bool | None = None


class ModelConfiguration(BaseModel):
    """The configuration of the model, as Triton's clients read it."""

    name: str = Field(examples=["diabetes-readmission"])
    platform: str = Field(examples=["onnx_onnxv1"])
    max_batch_size: int = Field(examples=[0], description="0: the first dimension is that of the tensors.")
    input: list[ConfigurationTensor]
    output: list[ConfigurationTensor]


class IndexedModel(BaseModel):
    """An entry of the index of the repository."""

    name: str = Field(examples=["diabetes-readmission"])
    version: str = Field(examples=["3"])
    state: str = Field(examples=["READY"])
    reason: str = ""


class Live(BaseModel):
    """Whether the process is alive."""

    live: bool


class Ready(BaseModel):
    """Whether a model is loaded."""

    ready: bool


class ModelReady(Ready):
    """Whether this model is loaded."""

    name: str = Field(examples=["diabetes-readmission"])


class BinarySize(BaseModel):
    """The number of bytes of a tensor after the JSON."""

    binary_data_size: int = Field(examples=[4])


class Tensor(BaseModel):
    """A tensor with its values, or with their size as binary data."""

    name: str = Field(examples=["probability"])
    datatype: str = Field(examples=["FP32"])
    shape: list[int] = Field(examples=[[1]])
    data: list[Any] | None = Field(None, examples=[[0.18]])
    parameters: BinarySize | None = None


class InferenceResponse(BaseModel):
    """Predictions, in the order of the records."""

    model_name: str = Field(examples=["diabetes-readmission"])
    model_version: str = Field(examples=["3"])
    id: str = Field(description="The request's id, else the X-Request-ID.")
    outputs: list[Tensor]
    parameters: dict[str, str] | None = Field(
        None, description="outside_population, warnings and codes of POST /predict as JSON, if they say something."
    )


class InferenceError(BaseModel):
    """An error in the protocol's format."""

    error: str
