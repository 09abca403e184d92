"""What every service may import: settings, errors, names, model serving; numpy, pydantic and ONNX Runtime only."""
