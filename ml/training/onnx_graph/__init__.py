"""The fitted model as one ONNX graph, from raw fields to probability; writing it to a file belongs to ml.training."""
