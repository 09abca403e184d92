"""The two BentoML services; they run in their own environment, because their dependencies differ."""

import os
from pathlib import Path
from typing import Any

import bentoml

_FOLDER = Path(os.environ["BENCH_FOLDER"])


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class WithSklearn:
    """The fitted model from its pickle."""

    def __init__(self) -> None:
        import joblib

        from bench.serving.peers.predictions import predict_table

        self._predict = predict_table
        self._model = joblib.load(_FOLDER / "model.joblib")

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, records: list[dict[str, Any]]) -> list[float]:
        """Probabilities."""
        import pandas as pd

        return self._predict(self._model, pd.DataFrame(records))


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class WithOnnx:
    """The bundle."""

    def __init__(self) -> None:
        from ml.core.bundle import load_bundle

        self._bundle = load_bundle(_FOLDER / "bundle")

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, records: list[dict[str, Any]]) -> list[float]:
        """Probabilities."""
        result: list[float] = self._bundle.predict(records).tolist()
        return result
