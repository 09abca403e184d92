"""A list of ONNX nodes under construction, with generated names for tensors and constants."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Tensor = str
ML_DOMAIN = "ai.onnx.ml"


class Nodes:
    """Collects nodes and constants; each method returns the name of the tensor it adds."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(
        self, operator: str, *inputs: Tensor, domain: str = "", output: str | None = None, **attributes: Any
    ) -> Tensor:
        """Add a node with one output."""
        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], domain=domain, **attributes))
        return name

    def constant(self, values: NDArray[Any] | Sequence[int] | float) -> Tensor:
        """Add a constant: int64 for integers, float32 for all other values."""
        array = np.asarray(values)
        name = f"constant_{len(self.constants)}"
        array = array.astype(np.int64 if array.dtype.kind in "iu" else np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def columns(self, matrix: Tensor, indices: Sequence[int]) -> Tensor:
        """Select columns of a matrix."""
        return self.add("Gather", matrix, self.constant(list(indices)), axis=1)

    def reshape(self, tensor: Tensor, *shape: int) -> Tensor:
        """Reshape a tensor; -1 stands for the remaining dimension."""
        return self.add("Reshape", tensor, self.constant(list(shape)))
