"""The model store: loads the cached model at the start, polls the registry and swaps the served model atomically."""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import orjson

from api.errors import NoModelError
from api.models.cache import ModelCache
from api.models.heap import trim_heap
from api.models.registry_client import ArtifactError, RegisteredVersion, RegistryClient, utc_now
from api.models.sandbox import check_in_sandbox
from api.settings import ApiSettings
from ml.core.bundle import Bundle, load_bundle
from ml.core.errors import BundleError, RegistryError
from ml.core.names import MODEL_NAME, PRODUCTION

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 60
MAX_RETRY_SECONDS: Final = 3600
"""A rejected version is retried with exponential backoff between these two."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A checked bundle and its version. Immutable; a new model is a new object."""

    bundle: Bundle
    registered: RegisteredVersion
    summary: orjson.Fragment
    """The ``model`` member of responses, serialised once."""
    loaded_at: str = field(default_factory=utc_now)
    loaded_timestamp: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class RegistryState:
    """The result of the last poll of the registry; see :class:`api.contract.responses.RegistryStatus`."""

    reachable: bool = False
    version: str | None = None
    checked_at: str | None = None
    checked_timestamp: float = field(default_factory=time.time)
    since: str | None = None
    error: str | None = "not polled yet"


@dataclass(frozen=True, slots=True)
class RejectedVersion:
    """A version that failed its checks, and when to retry it on the clock of time.monotonic."""

    registered: RegisteredVersion
    reason: str
    at: str
    attempts: int
    retry_at: float


class ModelStore:
    """Holds the served model and follows the production alias in the background.

    ``trial_seconds`` limits downloading and checking a version; ``threads`` are those of ONNX Runtime.
    """

    def __init__(
        self, registry: RegistryClient, cache: ModelCache, poll_seconds: float, trial_seconds: float, threads: int
    ) -> None:
        self.current: ServedModel | None = None
        self.registry_state = RegistryState()
        self.rejected: RejectedVersion | None = None
        self.load_failures: Counter[str] = Counter()
        self._registry = registry
        self._cache = cache
        self._poll_seconds = poll_seconds
        self._trial_seconds = trial_seconds
        self._threads = threads
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_settings(cls, settings: ApiSettings) -> "ModelStore":
        """The store of the settings' registry and cache folder."""
        registry, cache = RegistryClient(settings.mlflow_tracking_uri), ModelCache(settings.api_cache_dir)
        return cls(registry, cache, settings.model_poll_seconds, settings.model_trial_seconds, settings.ort_threads)

    async def start(self) -> None:
        """Load the cached model, if there is a valid one, and start polling. Never fails."""
        await self._load_cached()
        self._task = asyncio.create_task(self._poll_forever(), name="poll the registry")

    async def stop(self) -> None:
        """Stop polling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._registry.close()

    def require(self) -> ServedModel:
        """The served model.

        Raises:
            NoModelError: no model is loaded; the message has the reason.
        """
        if self.current is not None:
            return self.current
        if self.rejected is not None:
            raise NoModelError(
                f"no production model yet: version {self.rejected.registered.version} was rejected, "
                f"{self.rejected.reason}"
            )
        if self.registry_state.checked_at is None and self.registry_state.since is not None:
            raise NoModelError("no production model yet: MLflow cannot be reached, and no model is cached")
        raise NoModelError("no production model yet: run train_models_diabetes_simple")

    async def poll(self) -> None:
        """Poll the registry once, and load the production version if it is new."""
        try:
            version = await self._registry.version_of(MODEL_NAME, PRODUCTION)
            self._set_reachable(version)
            if version is not None and self._is_due(version):
                await self._load(version)
        except RegistryError as error:
            self._set_unreachable(str(error))

    def _is_due(self, version: RegisteredVersion) -> bool:
        if self.current is not None and self.current.registered == version:
            self.rejected = None  # the alias was moved back
            return False
        rejected = self.rejected
        return rejected is None or rejected.registered != version or time.monotonic() >= rejected.retry_at

    async def _load(self, version: RegisteredVersion) -> None:
        try:
            with self._cache.scratch() as scratch:
                async with asyncio.timeout(self._trial_seconds):
                    bundle = await self._download(version, scratch)
                self._serve(bundle, version)
                await self._publish(version, scratch)
        except BundleError as error:
            self._reject(version, "bundle", str(error))
        except ArtifactError as error:
            self._reject(version, "artifact", str(error))
        except TimeoutError:
            self._reject(version, "timeout", f"it was not ready within {self._trial_seconds:g} seconds")
        except OSError as error:
            self._reject(version, "disk", f"it cannot be stored in the model cache: {error.strerror}")
        except RegistryError:
            raise  # MLflow became unavailable; the version may be valid
        except Exception:
            logger.exception("unexpected error in the check of version %s", version.version)
            self._reject(version, "internal", "its check failed unexpectedly; see the log")

    async def _download(self, version: RegisteredVersion, scratch: Path) -> Bundle:
        await self._registry.download(version, scratch)
        try:
            await check_in_sandbox(scratch, self._threads)
            return await asyncio.to_thread(_load_bundle, scratch, self._threads)
        except BundleError as error:
            raise BundleError(str(error).replace(f"{scratch}/", "")) from error

    async def _publish(self, version: RegisteredVersion, scratch: Path) -> None:
        writing = asyncio.ensure_future(asyncio.to_thread(self._cache.publish, version, scratch))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await writing  # the caller deletes the scratch folder, which the thread renames
            raise
        except OSError as error:
            logger.warning("version %s is served but was not cached: %s", version.version, error.strerror)

    async def _load_cached(self) -> None:
        cached = self._cache.current()
        if cached is None:
            return
        version, folder = cached
        try:
            bundle = await asyncio.to_thread(_load_bundle, folder, self._threads)
        except BundleError as error:
            self.load_failures["cache"] += 1
            logger.warning("the cached model is invalid: %s", error)
            return
        self._serve(bundle, version)

    async def _poll_forever(self) -> None:
        while True:
            try:
                await self.poll()
            except Exception:
                # Polling must go on: the error is logged and counted, and the next poll may succeed.
                self.load_failures["internal"] += 1
                logger.exception("unexpected error in the poll of the registry")
            await asyncio.sleep(self._poll_seconds)

    def _serve(self, bundle: Bundle, version: RegisteredVersion) -> None:
        summary = {"name": version.name, "version": version.version, "data_source": bundle.manifest.provenance}
        self.current = ServedModel(bundle, version, orjson.Fragment(orjson.dumps(summary)))
        self.rejected = None
        logger.info("serving %s version %s", version.name, version.version)

    def _reject(self, version: RegisteredVersion, kind: str, reason: str) -> None:
        before = self.rejected
        attempts = before.attempts + 1 if before is not None and before.registered == version else 1
        backoff = min(RETRY_SECONDS * 2 ** (attempts - 1), MAX_RETRY_SECONDS)
        self.rejected = RejectedVersion(version, reason, utc_now(), attempts, time.monotonic() + backoff)
        self.load_failures[kind] += 1
        logger.error("version %s is rejected: %s", version.version, reason)

    def _set_reachable(self, version: RegisteredVersion | None) -> None:
        state = self.registry_state
        if not state.reachable:
            logger.info("MLflow is reachable")
        now = utc_now()
        since = state.since if state.reachable else now
        self.registry_state = RegistryState(True, version.version if version else None, now, time.time(), since, None)

    def _set_unreachable(self, error: str) -> None:
        state = self.registry_state
        since = state.since
        if state.reachable or since is None:
            logger.warning("%s The served model stays in service.", error)
            since = utc_now()
        self.registry_state = replace(state, reachable=False, since=since, error=error)


def _load_bundle(folder: Path, threads: int) -> Bundle:
    bundle = load_bundle(folder, threads)
    trim_heap()  # while a graph is parsed, it takes several times its size
    return bundle
