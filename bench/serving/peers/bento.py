"""The two services of BentoML. They run in an environment of their own: its dependencies are not ours."""

import os
from pathlib import Path
from typing import Any

import bentoml

_FOLDER = Path(os.environ["BENCH_FOLDER"])


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class WithSklearn:
    """The fitted model out of its pickle."""

    def __init__(self) -> None:
        import joblib

        from bench.serving.peers.answers import answers

        self._answers = answers
        self._model = joblib.load(_FOLDER / "model.joblib")

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, records: list[dict[str, Any]]) -> list[float]:
        """Probabilities."""
        import pandas as pd

        return self._answers(self._model, pd.DataFrame(records))


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class WithOnnx:
    """The bundle, by the code that we serve it with."""

    def __init__(self) -> None:
        from ml.core.bundle import load_bundle

        self._bundle = load_bundle(_FOLDER / "bundle")

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, records: list[dict[str, Any]]) -> list[float]:
        """Probabilities."""
        found: list[float] = self._bundle.predict(records).tolist()
        return found
