"""The model registry: the only user of MlflowClient, of model aliases and of ``models:/``."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import mlflow
import numpy as np
import pandas as pd
import requests
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.entities import model_registry
from mlflow.environment_variables import (
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    MLFLOW_HTTP_REQUEST_TIMEOUT,
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT,
)
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, NUMBERS, OUTPUT, TEXTS
from ml.core.errors import BundleError, RegistryError
from ml.core.names import MODEL_NAME
from ml.core.settings import MlflowSettings
from ml.features.tables import model_inputs, without_history

log = logging.getLogger(__name__)

_PATIENCE: Final = {MLFLOW_HTTP_REQUEST_MAX_RETRIES: 3, MLFLOW_HTTP_REQUEST_TIMEOUT: 60}
"""MLflow's own defaults keep a caller waiting for four minutes before they say that the server is away."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model version."""

    number: str
    run_id: str
    tags: dict[str, str]
    aliases: tuple[str, ...]


class Registry:
    """Runs, versions and aliases on one MLflow server."""

    def __init__(self, settings: MlflowSettings) -> None:
        mlflow.set_tracking_uri(settings.mlflow_tracking_uri)
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)  # our own progress says more
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
        for variable, value in _PATIENCE.items():
            if not variable.is_set():
                variable.set(value)
        self._uri = settings.mlflow_tracking_uri
        self._client = MlflowClient()

    @contextmanager
    def run(self, name: str, tags: dict[str, str], experiment: str = MODEL_NAME) -> Iterator[str]:
        """A tracked run; yields its id. An exception marks it as failed and passes on."""
        with self._reachable():
            mlflow.set_experiment(experiment)
            with mlflow.start_run(run_name=name, tags=tags) as run:
                yield run.info.run_id

    def log_results(self, params: dict[str, Any], metrics: dict[str, float], figures: dict[str, Figure]) -> None:
        """Record parameters, metrics and plots on the present run."""
        mlflow.log_params(params)
        mlflow.log_metrics(metrics)
        for name, figure in figures.items():
            mlflow.log_figure(figure, f"plots/{name}")

    def log_data(self, table: pd.DataFrame, context: str, source: str, version: str) -> None:
        """Record which data the present run used: name, version, source and schema; the rows stay in PostgreSQL."""
        inputs = model_inputs(table)
        dataset = mlflow.data.from_pandas(
            pd.DataFrame(inputs.texts, columns=TEXTS).join(pd.DataFrame(inputs.numbers, columns=NUMBERS)),
            source=CodeDatasetSource({"database": "diabetes", "table": f"{context}_data", "delivered_by": source}),
            name=f"{context}_data",
            digest=version[:12],
        )
        mlflow.log_input(dataset, context=context)

    def log_text(self, text: str, name: str) -> None:
        """Record a text file on the present run."""
        mlflow.log_text(text, name)

    def register(self, bundle: Path, example: pd.DataFrame, tags: dict[str, str], description: str) -> ModelVersion:
        """Log a bundle as an ONNX model of the present run and register it; visible only once it is complete.

        Args:
            bundle: directory as :mod:`ml.core.bundle` describes.
            example: a few encounters, for the signature.
            tags: of the new version.
            description: of the new version, Markdown.
        """
        import onnx

        logged = mlflow.onnx.log_model(
            onnx.load(bundle / MODEL_FILE),
            name="model",
            signature=_signature(example),
            pip_requirements=[f"{name}=={metadata.version(name)}" for name in ("mlflow", "onnx", "onnxruntime")],
            onnx_execution_providers=["CPUExecutionProvider"],
            save_as_external_data=False,
        )
        for name in (GOLDEN_FILE, MANIFEST_FILE):
            self._client.log_model_artifact(logged.model_id, str(bundle / name))
        version = mlflow.register_model(f"models:/{logged.model_id}", MODEL_NAME, tags=tags)
        self._client.update_model_version(MODEL_NAME, version.version, description)
        return _version(self._client.get_model_version(MODEL_NAME, version.version))

    def find(self, fingerprint: str) -> ModelVersion | None:
        """The version with this fingerprint, if there is one."""
        with self._reachable():
            found = self._client.search_model_versions(
                f"name = '{MODEL_NAME}' AND tags.fingerprint = '{fingerprint}'", max_results=1
            )
        return self.version(found[0].version) if found else None

    def version(self, number: str) -> ModelVersion:
        """A version by its number; raises RegistryError when there is none."""
        with self._reachable():
            return _version(self._client.get_model_version(MODEL_NAME, number))

    def exists(self, number: str) -> bool:
        """Whether there is a version of this number."""
        with self._reachable():
            try:
                self._client.get_model_version(MODEL_NAME, number)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return False
        return True

    def params(self, run_id: str) -> dict[str, str]:
        """Parameters of a run, as the texts that MLflow keeps."""
        with self._reachable():
            return dict(self._client.get_run(run_id).data.params)

    def versions(self) -> list[ModelVersion]:
        """All versions, the newest first."""
        with self._reachable():
            found = self._client.search_model_versions(f"name = '{MODEL_NAME}'")
        return [self.version(str(number)) for number in sorted((int(v.version) for v in found), reverse=True)]

    def by_alias(self, alias: str) -> ModelVersion | None:
        """The version an alias points to, or None."""
        with self._reachable():
            try:
                return _version(self._client.get_model_version_by_alias(MODEL_NAME, alias))
            except MlflowException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise

    def point(self, alias: str, number: str) -> None:
        """Let an alias point to a version: one write, so that there is no moment without it."""
        with self._reachable():
            self._client.set_registered_model_alias(MODEL_NAME, alias, number)

    def tag(self, number: str, tags: dict[str, str]) -> None:
        """Set tags of a version."""
        with self._reachable():
            for name, value in tags.items():
                self._client.set_model_version_tag(MODEL_NAME, number, name, value)

    def untag(self, number: str, name: str) -> None:
        """Remove a tag of a version, if it has it."""
        with self._reachable():
            if name in self._client.get_model_version(MODEL_NAME, number).tags:
                self._client.delete_model_version_tag(MODEL_NAME, number, name)

    @contextmanager
    def downloaded(self, number: str) -> Iterator[Path]:
        """The bundle of a version, in a directory that goes away with the context.

        Raises:
            BundleError: the version is there, but files of its bundle were deleted.
            RegistryError: there is no such version, or MLflow cannot be reached.
        """
        with self._reachable(), tempfile.TemporaryDirectory() as scratch:
            if lost := {MODEL_FILE, GOLDEN_FILE, MANIFEST_FILE} - self._files(number):
                raise BundleError(f"Version {number} has lost files in MLflow: {', '.join(sorted(lost))}.")
            yield Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL_NAME}/{number}", dst_path=scratch))

    def _files(self, number: str) -> set[str]:
        """Names of the files of a version; none if the logged model behind it is gone."""
        self._client.get_model_version(MODEL_NAME, number)  # a version that is not there is an error
        try:
            found = mlflow.artifacts.list_artifacts(artifact_uri=f"models:/{MODEL_NAME}/{number}")
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return set()
        return {file.path for file in found}

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, requests.RequestException) as error:
            raise RegistryError(_sentence(self._uri, error)) from error


def _signature(example: pd.DataFrame) -> ModelSignature:
    """Inputs and output of the graph."""
    inputs = model_inputs(without_history(example))
    texts = TensorSpec(np.dtype("str"), (-1, inputs.texts.shape[1]), "texts")
    numbers = TensorSpec(np.dtype("float32"), (-1, inputs.numbers.shape[1]), "numbers")
    return ModelSignature(Schema([texts, numbers]), Schema([TensorSpec(np.dtype("float32"), (-1,), OUTPUT)]))


def _sentence(uri: str, error: Exception) -> str:
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    if any(isinstance(cause, requests.ConnectionError | requests.Timeout) for cause in causes):
        return f"MLflow at {uri} does not answer: start it, or correct MLFLOW_TRACKING_URI."
    text = error.message if isinstance(error, MlflowException) else str(error)
    return f"MLflow at {uri} says: {' '.join(text.split()).rstrip('.')}."


def _version(found: model_registry.ModelVersion) -> ModelVersion:
    return ModelVersion(str(found.version), found.run_id, dict(found.tags), tuple(found.aliases))
