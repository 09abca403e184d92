"""A list of ONNX nodes under construction: operators by name, constants by value, tensors named as they come."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Tensor = str
ML_DOMAIN = "ai.onnx.ml"


class Nodes:
    """Adds nodes and hands out the names of their outputs."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(
        self, operator: str, *inputs: Tensor, domain: str = "", output: str | None = None, **attributes: Any
    ) -> Tensor:
        """A node with one output; returns the output's name."""
        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], domain=domain, **attributes))
        return name

    def constant(self, values: NDArray[Any] | Sequence[int] | float) -> Tensor:
        """A constant: int64 for whole numbers, float32 for all others."""
        array = np.asarray(values)
        name = f"constant_{len(self.constants)}"
        array = array.astype(np.int64 if array.dtype.kind in "iu" else np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def columns(self, matrix: Tensor, chosen: Sequence[int], axis: int = 1) -> Tensor:
        """Some of the columns of a matrix."""
        return self.add("Gather", matrix, self.constant(list(chosen)), axis=axis)

    def reshape(self, tensor: Tensor, *shape: int) -> Tensor:
        """The same values in another shape; -1 is whatever is left."""
        return self.add("Reshape", tensor, self.constant(list(shape)))
