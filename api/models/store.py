"""The model that answers: taken from the cache at start, from the registry later, swapped in one step."""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from api.errors import NoModelError
from api.models.cache import ModelCache
from api.models.heap import trim_heap
from api.models.registry_client import ArtifactError, RegisteredVersion, RegistryClient, utc_now
from api.models.sandbox import check_in_sandbox
from ml.core.bundle import Bundle, load_bundle
from ml.core.errors import BundleError, RegistryError
from ml.core.names import MODEL_NAME, PRODUCTION

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 60
RETRY_SECONDS_MOST: Final = 3600
"""A refused version is tried again after the first, then after twice that each time, up to the second."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A checked bundle and where it comes from. Never changed; another one takes its place."""

    bundle: Bundle
    registered: RegisteredVersion
    loaded_at: str
    loaded_timestamp: float
    summary: orjson.Fragment
    """The ``model`` member of an answer, encoded once."""

    @classmethod
    def of(cls, bundle: Bundle, registered: RegisteredVersion) -> "ServedModel":
        """The bundle of a version, as of now."""
        summary = {
            "name": registered.name,
            "version": registered.version,
            "data_source": bundle.manifest.provenance,
        }
        return cls(bundle, registered, utc_now(), time.time(), orjson.Fragment(orjson.dumps(summary)))


@dataclass(frozen=True, slots=True)
class RegistryState:
    """What the last look at the registry found."""

    reachable: bool = False
    version: str | None = None
    checked_at: str | None = None
    checked_timestamp: float = field(default_factory=time.time)
    since: str | None = None
    error: str | None = "not asked yet"


@dataclass(frozen=True, slots=True)
class Refused:
    """A version that failed its checks, and when to try it again."""

    registered: RegisteredVersion
    reason: str
    at: str
    attempts: int
    retry_at: float

    def as_json(self) -> dict[str, Any]:
        """As in GET /model."""
        return {"version": self.registered.version, "reason": self.reason, "at": self.at}


class ModelStore:
    """Holds the served model and follows the alias in the background.

    Args:
        registry: tells where the alias points, and hands out files.
        cache: the last good version on disk.
        poll_seconds: between two looks at the registry.
        trial_seconds: a version that takes longer to fetch and check is refused.
        threads: ONNX Runtime's.
    """

    def __init__(
        self, registry: RegistryClient, cache: ModelCache, poll_seconds: float, trial_seconds: float, threads: int
    ) -> None:
        self.current: ServedModel | None = None
        self.registry_state = RegistryState()
        self.refused: Refused | None = None
        self.load_failures: Counter[str] = Counter()
        self._registry = registry
        self._cache = cache
        self._poll_seconds = poll_seconds
        self._trial_seconds = trial_seconds
        self._threads = threads
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve the cached model, if there is a good one, and begin to follow the registry. Never fails."""
        await self._start_from_cache()
        self._task = asyncio.create_task(self._follow(), name="follow the registry")

    async def stop(self) -> None:
        """End the background work."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._registry.close()

    def require(self) -> ServedModel:
        """The served model.

        Raises:
            NoModelError: there is none; it says why.
        """
        if self.current is not None:
            return self.current
        if self.refused is not None:
            raise NoModelError(
                f"no production model yet: version {self.refused.registered.version} was refused, {self.refused.reason}"
            )
        if self.registry_state.checked_at is None and self.registry_state.since is not None:
            raise NoModelError("no production model yet: MLflow cannot be reached, and no model is cached here")
        raise NoModelError("no production model yet: run train_models_diabetes_simple")

    async def check(self) -> None:
        """Look at the registry once, and take the production version if it is new and good."""
        try:
            target = await self._registry.version_of(MODEL_NAME, PRODUCTION)
            self._note_reachable(target)
            if target is None or not self._is_due(target):
                return
            await self._take(target)
        except RegistryError as error:
            self._note_away(str(error))

    def _is_due(self, target: RegisteredVersion) -> bool:
        if self.current is not None and self.current.registered == target:
            self.refused = None  # the alias was moved back
            return False
        refused = self.refused
        return refused is None or refused.registered != target or time.monotonic() >= refused.retry_at

    async def _take(self, target: RegisteredVersion) -> None:
        try:
            with self._cache.scratch() as scratch:
                async with asyncio.timeout(self._trial_seconds):
                    bundle = await self._fetch(target, scratch)
                self._serve(ServedModel.of(bundle, target))
                await self._publish(target, scratch)
        except BundleError as error:
            self._refuse(target, "bundle", str(error))
        except ArtifactError as error:
            self._refuse(target, "artifact", str(error))
        except TimeoutError:
            self._refuse(target, "timeout", f"it was not ready within {self._trial_seconds:g} seconds")
        except OSError as error:
            self._refuse(target, "disk", f"it cannot be stored in the model cache: {error.strerror}")
        except RegistryError:
            raise  # MLflow went away half way; nothing is known against the version
        except Exception:
            logger.exception("checking version %s failed in an unforeseen way", target.version)
            self._refuse(target, "internal", "its check failed in an unforeseen way; the log says how")

    async def _fetch(self, target: RegisteredVersion, scratch: Path) -> Bundle:
        await self._registry.download(target, scratch)
        try:
            await check_in_sandbox(scratch, self._threads)
            return await asyncio.to_thread(_load, scratch, self._threads)
        except BundleError as error:
            raise BundleError(str(error).replace(f"{scratch}/", "")) from error

    async def _publish(self, target: RegisteredVersion, scratch: Path) -> None:
        writing = asyncio.ensure_future(asyncio.to_thread(self._cache.publish, target, scratch))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await writing  # the scratch folder must not vanish under the thread that renames it
            raise
        except OSError as error:
            logger.warning("version %s serves but could not be cached: %s", target.version, error.strerror)

    async def _start_from_cache(self) -> None:
        cached = self._cache.current()
        if cached is None:
            return
        registered, folder = cached
        try:
            bundle = await asyncio.to_thread(_load, folder, self._threads)
        except BundleError as error:
            self.load_failures["cache"] += 1
            logger.warning("the cached model is not used: %s", error)
            return
        self._serve(ServedModel.of(bundle, registered))

    async def _follow(self) -> None:
        while True:
            try:
                await self.check()
            except Exception:
                # A fault here must not end the following: it is logged, counted, and the next look may succeed.
                self.load_failures["internal"] += 1
                logger.exception("looking for a new model failed")
            await asyncio.sleep(self._poll_seconds)

    def _serve(self, model: ServedModel) -> None:
        self.current = model
        self.refused = None
        logger.info("serving %s version %s", model.registered.name, model.registered.version)

    def _refuse(self, target: RegisteredVersion, kind: str, reason: str) -> None:
        before = self.refused
        attempts = before.attempts + 1 if before is not None and before.registered == target else 1
        pause = min(RETRY_SECONDS * 2 ** (attempts - 1), RETRY_SECONDS_MOST)
        self.refused = Refused(target, reason, utc_now(), attempts, time.monotonic() + pause)
        self.load_failures[kind] += 1
        logger.error("version %s is refused: %s", target.version, reason)

    def _note_reachable(self, target: RegisteredVersion | None) -> None:
        state = self.registry_state
        if not state.reachable:
            logger.info("MLflow answers")
        now = utc_now()
        since = state.since if state.reachable else now
        self.registry_state = RegistryState(True, target.version if target else None, now, time.time(), since, None)

    def _note_away(self, error: str) -> None:
        state = self.registry_state
        if state.reachable or state.since is None:
            logger.warning("%s The served model stays.", error)
        since = utc_now() if state.reachable or state.since is None else state.since
        self.registry_state = RegistryState(
            False, state.version, state.checked_at, state.checked_timestamp, since, error
        )


def _load(folder: Path, threads: int) -> Bundle:
    bundle = load_bundle(folder, threads)
    trim_heap()  # a graph takes several times its size while it is read
    return bundle
