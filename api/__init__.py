"""The prediction service: FastAPI over an ONNX graph. Imports neither pandas nor scikit-learn."""
