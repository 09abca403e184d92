"""Client of the model registry: runs, model versions, aliases and tags on one MLflow server."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import mlflow
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
    MLFLOW_UV_AUTO_DETECT,
)
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from ml.core.bundle import NUMBERS, TEXTS
from ml.core.errors import RegistryError, RegistryRefusalError
from ml.core.names import MODEL_NAME, PRODUCTION
from ml.core.proxies import bypass_proxy
from ml.core.settings import MlflowSettings
from ml.features.tables import model_inputs
from ml.registry import flavor
from ml.registry.descriptions import describe_version, open_experiment
from ml.registry.downloads import check_listing, download_files

_RETRIES_AND_TIMEOUT: Final = {MLFLOW_HTTP_REQUEST_MAX_RETRIES: 3, MLFLOW_HTTP_REQUEST_TIMEOUT: 60}
"""With MLflow's defaults a call fails only four minutes after the server became unreachable."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model version."""

    number: str
    run_id: str
    tags: dict[str, str]
    aliases: tuple[str, ...]


class Registry:
    """Runs, versions and aliases on one MLflow server; every run gets ``run_tags``.

    Methods raise RegistryError when MLflow cannot be reached, and RegistryRefusalError when it refuses a request.
    """

    def __init__(self, settings: MlflowSettings, run_tags: Mapping[str, str] | None = None) -> None:
        bypass_proxy(settings.mlflow_tracking_uri)
        mlflow.set_tracking_uri(settings.mlflow_tracking_uri)
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
        MLFLOW_UV_AUTO_DETECT.set(False)  # would add the lock of the platform to each model
        for variable, value in _RETRIES_AND_TIMEOUT.items():
            if not variable.is_set():
                variable.set(value)
        self._uri = settings.mlflow_tracking_uri
        self._client = MlflowClient()
        self._run_tags = dict(run_tags or {})

    @contextmanager
    def run(self, name: str, tags: dict[str, str], experiment: str = MODEL_NAME) -> Iterator[str]:
        """A tracked run; yields its id. An exception marks the run as failed and is raised again."""
        with self._translated_errors():
            open_experiment(self._client, experiment)
            with mlflow.start_run(run_name=name, tags={**self._run_tags, **tags}) as run:
                yield run.info.run_id

    def log_metrics(self, run_id: str, metrics: dict[str, float]) -> None:
        """Log metrics to a run."""
        with self._translated_errors():
            mlflow.log_metrics(metrics, run_id=run_id)

    def log_results(self, params: dict[str, Any], metrics: dict[str, float]) -> None:
        """Log parameters and metrics to the active run."""
        mlflow.log_params(params)
        mlflow.log_metrics(metrics)

    def log_figure(self, run_id: str, figure: Figure, name: str) -> None:
        """Log a figure to a run, as an image in the format of the name's suffix."""
        with self._translated_errors():
            self._client.log_figure(run_id, figure, name)

    def log_dataset(self, table: pd.DataFrame, context: str, source: str, version: str) -> None:
        """Log name, version, source and schema of a data set to the active run; the rows stay in PostgreSQL."""
        dataset = mlflow.data.from_pandas(
            table[[*TEXTS, *NUMBERS]],
            source=CodeDatasetSource({"database": "diabetes", "table": f"{context}_data", "delivered_by": source}),
            name=f"{context}_data",
            digest=version[:12],
        )
        # Else MLflow looks at every cell, which took a tenth of a training.
        inputs = model_inputs(table.head(1))
        row = pd.DataFrame(inputs.texts, columns=TEXTS).join(pd.DataFrame(inputs.numbers, columns=NUMBERS))
        dataset.schema = mlflow.data.from_pandas(row, digest=dataset.digest).schema
        mlflow.log_input(dataset, context=context)

    def log_text(self, text: str, name: str, run_id: str | None = None) -> None:
        """Log a text file to a run, by default to the active one."""
        with self._translated_errors():
            mlflow.log_text(text, name, run_id)

    def log_file(self, content: bytes, name: str) -> None:
        """Log a file to the active run."""
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / name
            file.write_bytes(content)
            mlflow.log_artifact(str(file))

    def register(self, bundle: Path, tags: dict[str, str], description: str) -> ModelVersion:
        """Log a bundle as a model of the active run and register it once all files are stored.

        Tags and description (Markdown) are those of the new version.
        """
        # The example needs no validation against a loaded model: it is a constant.
        logged = Model.log(None, flavor, name="model", bundle=bundle, validate_serving_input=False)
        version = mlflow.register_model(f"models:/{logged.model_id}", MODEL_NAME, tags=tags)
        describe_version(self._client, version.version, description)
        return self.version(version.version)

    def describe(self, number: str, description: str) -> None:
        """Replace the description (Markdown) of a version."""
        with self._translated_errors():
            describe_version(self._client, number, description)

    def version(self, number: str) -> ModelVersion:
        """A version by its number; raises RegistryRefusalError if there is none."""
        with self._translated_errors():
            return _model_version(self._client.get_model_version(MODEL_NAME, number))

    def version_or_production(self, number: str | None) -> ModelVersion:
        """A version by its number, by default production; raises RegistryError if there is none."""
        version = self.version(number) if number else self.version_by_alias(PRODUCTION)
        if version is None:
            raise RegistryRefusalError("There is no production model yet: run train_models_diabetes_simple.")
        return version

    def exists(self, number: str) -> bool:
        """Whether there is a version of this number."""
        with self._translated_errors():
            return none_if_missing(lambda: self._client.get_model_version(MODEL_NAME, number)) is not None

    def versions(self) -> list[ModelVersion]:
        """All versions, the newest first."""
        numbers = sorted((int(found.version) for found in self._search()), reverse=True)
        return [self.version(str(number)) for number in numbers]  # a search returns no aliases

    def version_by_alias(self, alias: str) -> ModelVersion | None:
        """The version that an alias points to, or None."""
        with self._translated_errors():
            found = none_if_missing(lambda: self._client.get_model_version_by_alias(MODEL_NAME, alias))
            return _model_version(found) if found else None

    def find_by_fingerprint(self, fingerprint: str) -> list[ModelVersion]:
        """The versions whose tag ``fingerprint`` has this value, the newest first."""
        found = self._search(f" AND tags.fingerprint = '{fingerprint}'")
        return [self.version(number) for number in sorted((one.version for one in found), key=int, reverse=True)]

    def params(self, run_id: str) -> dict[str, str]:
        """Parameters of a run, which MLflow stores as text."""
        with self._translated_errors():
            return dict(self._client.get_run(run_id).data.params)

    def run_text(self, run_id: str, name: str) -> str | None:
        """A text file of a run, or None if it cannot be read."""
        try:
            return str(mlflow.artifacts.load_text(f"runs:/{run_id}/{name}"))
        except (MlflowException, OSError):
            return None

    def set_alias(self, alias: str, number: str) -> None:
        """Set or move an alias in one write; readers see the old version or the new one."""
        with self._translated_errors():
            self._client.set_registered_model_alias(MODEL_NAME, alias, number)

    def set_tags(self, number: str, tags: dict[str, str]) -> None:
        """Set tags of a version."""
        with self._translated_errors():
            for name, value in tags.items():
                self._client.set_model_version_tag(MODEL_NAME, number, name, value)

    def delete_tag(self, number: str, name: str) -> None:
        """Delete a tag of a version, if it has it."""
        if name in self.version(number).tags:
            with self._translated_errors():
                self._client.delete_model_version_tag(MODEL_NAME, number, name)

    @contextmanager
    def download(self, number: str) -> Iterator[Path]:
        """The bundle of a version, in a temporary directory that exists within the context.

        Raises:
            BundleError: the version exists, but files of its bundle were deleted or are too large.
            RegistryError: there is no such version.
        """
        self.version(number)
        uri = f"models:/{MODEL_NAME}/{number}"
        with self._translated_errors(), tempfile.TemporaryDirectory() as scratch:
            files = none_if_missing(lambda: mlflow.artifacts.list_artifacts(artifact_uri=uri)) or []
            check_listing(number, {file.path: file.file_size for file in files})
            stored = self._client.get_model_version_download_uri(MODEL_NAME, number)
            download_files(stored, self._uri, Path(scratch))
            yield Path(scratch)

    def _search(self, condition: str = "") -> list[model_registry.ModelVersion]:
        with self._translated_errors():
            return list(self._client.search_model_versions(f"name = '{MODEL_NAME}'{condition}"))

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, requests.RequestException) as error:
            kind = RegistryRefusalError if _is_refusal(error) else RegistryError
            raise kind(_sentence(self._uri, error)) from error


def none_if_missing(call: Callable[[], Result]) -> Result | None:
    """The result of a call of MLflow's client, or None if what it names does not exist, or not any more."""
    try:
        return call()
    except MlflowException as error:
        # The second code: an alias that the registered model does not have.
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _is_refusal(error: Exception) -> bool:
    """Whether MLflow answered that the request is wrong. Too many requests (429) is a matter of time."""
    return isinstance(error, MlflowException) and 400 <= error.get_http_status_code() < 429


def _sentence(uri: str, error: Exception) -> str:
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    if any(isinstance(cause, requests.ConnectionError | requests.Timeout) for cause in causes):
        return f"MLflow at {uri} does not answer: start it, or correct MLFLOW_TRACKING_URI."
    if any(isinstance(cause, requests.exceptions.RetryError) for cause in causes):
        return f"MLflow at {uri} fails (status 500): its log has the reason, for example a full disk of the artifacts."
    text = error.message if isinstance(error, MlflowException) else str(error)
    return f"MLflow at {uri} reports: {' '.join(text.split()).rstrip('.')}."


def _model_version(found: model_registry.ModelVersion) -> ModelVersion:
    return ModelVersion(str(found.version), found.run_id, dict(found.tags), tuple(found.aliases))
