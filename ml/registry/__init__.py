"""The model registry: the only code that uses MLflow's client, model aliases and model addresses."""

import os

# MLflow reads this when it is imported. Its telemetry client would start a thread and change `os.environ` from there.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
