"""Deletion of versions and runs with their files, which MLflow keeps when a version or a run is deleted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mlflow.entities import Run
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from ml.core.names import MODEL_NAME, MONITORING_EXPERIMENT
from ml.registry.client import Registry, none_if_missing

EXPERIMENTS: Final = (MODEL_NAME, MONITORING_EXPERIMENT)
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run of one of the platform's experiments."""

    id: str
    experiment: str
    started_at: datetime
    is_ended: bool


class DeletingRegistry(Registry):
    """The registry, for the command that deletes what is old."""

    def creation_times(self) -> dict[str, datetime]:
        """Time at which each version was created, by its number."""
        return {str(one.version): _moment(one.creation_timestamp) for one in self._search()}

    def stored_runs(self) -> list[StoredRun]:
        """All runs that are not deleted."""
        with self._translated_errors():
            found = [self._client.get_experiment_by_name(name) for name in EXPERIMENTS]
            return [
                StoredRun(run.info.run_id, one.name, _moment(run.info.start_time), run.info.status != "RUNNING")
                for one in found
                if one
                for run in self._all_runs(one.experiment_id)
            ]

    def delete_version(self, number: str) -> int:
        """Delete a version, its files and its run; returns the bytes of the files.

        The version goes last: if the deletion is interrupted, the next call finds it again.
        """
        with self._translated_errors():
            version = self._client.get_model_version(MODEL_NAME, number)
            freed = _empty(self._client.get_model_version_download_uri(MODEL_NAME, number))
            # Run and model may be gone: by hand, or by a call that was interrupted.
            freed += none_if_missing(lambda: self._delete_run(version.run_id)) or 0
            model = (version.source or "").removeprefix("models:/")  # version.model_id is always None
            if model.startswith("m-"):
                none_if_missing(lambda: self._client.delete_logged_model(model))
            self._client.delete_model_version(MODEL_NAME, number)
            return freed

    def delete_run(self, run_id: str) -> int:
        """Delete a run and its files; returns their bytes."""
        with self._translated_errors():
            return self._delete_run(run_id)

    def _delete_run(self, run_id: str) -> int:
        freed = _empty(self._client.get_run(run_id).info.artifact_uri)
        self._client.delete_run(run_id)
        return freed

    def _all_runs(self, experiment: str) -> Iterator[Run]:
        token: str | None = None
        while True:
            page = self._client.search_runs([experiment], max_results=_PAGE, page_token=token)
            yield from page
            if not (token := page.token):
                return


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _empty(uri: str) -> int:
    """Delete all files below an address of MLflow's artifact server; returns their bytes."""
    repository = get_artifact_repository(uri)
    freed = sum(_sizes(repository, None))
    if freed:
        repository.delete_artifacts()
    return freed


def _sizes(repository: ArtifactRepository, folder: str | None) -> Iterator[int]:
    for file in repository.list_artifacts(folder):
        if file.is_dir:
            yield from _sizes(repository, file.path)
        else:
            yield file.file_size or 0
