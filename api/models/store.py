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
from api.models.approvals import Approvals, store_approval
from api.models.cache import ModelCache
from api.models.heap import trim_heap
from api.models.refusals import Refusal, is_due
from api.models.registry_client import ArtifactError, RegisteredVersion, RegistryClient, utc_now
from api.models.sandbox import check_in_sandbox
from api.settings import ApiSettings
from ml.core.bundle import MANIFEST_FILE, Bundle, digest_of, load_bundle, sha256_of
from ml.core.bundle.files import is_checked, mark_checked
from ml.core.errors import BundleError, RegistryError, UnapprovedError
from ml.core.names import MODEL_NAME, PRODUCTION
from ml.core.signing.approval import Verified

logger = logging.getLogger(__name__)

UNAPPROVED: Final = "unapproved"
"""Kind of a rejection that ends as soon as the gate approves the version."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A checked bundle and its version. Immutable; a new model is a new object."""

    bundle: Bundle
    registered: RegisteredVersion
    summary: orjson.Fragment
    """The ``model`` member of responses, serialised once."""
    approval: Verified
    moved_by_hand: bool
    """Whether the gate has approved another version since: the alias was then moved without the gate."""
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


class ModelStore:
    """Holds the served model and follows the production alias in the background.

    ``trial_seconds`` limits downloading and checking a version; ``threads`` are those of ONNX Runtime.
    """

    def __init__(
        self,
        registry: RegistryClient,
        cache: ModelCache,
        approvals: Approvals,
        poll_seconds: float,
        trial_seconds: float,
        threads: int,
    ) -> None:
        self.current: ServedModel | None = None
        self.registry_state = RegistryState()
        self.rejected: Refusal | None = None
        self.load_failures: Counter[str] = Counter()
        self._cache_fault: str | None = None
        self._registry = registry
        self._cache = cache
        self._approvals = approvals
        self._refusals = cache.refusals()
        self._poll_seconds = poll_seconds
        self._trial_seconds = trial_seconds
        self._threads = threads
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_settings(cls, settings: ApiSettings) -> "ModelStore":
        """The store of the settings' registry, cache folder and public keys.

        Raises:
            SettingsError: the public keys cannot be read.
        """
        registry, cache = RegistryClient(settings.mlflow_tracking_uri), ModelCache(settings.api_cache_dir)
        approvals = Approvals(settings.model_public_keys_file, settings.api_cache_dir)
        limits = (settings.model_poll_seconds, settings.model_trial_seconds, settings.ort_threads)
        return cls(registry, cache, approvals, *limits)

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
        if self.rejected is not None and self.rejected.kind == UNAPPROVED:
            raise NoModelError(f"no production model yet: {self.rejected.reason}")
        if self.rejected is not None:
            raise NoModelError(
                f"no production model yet: version {self.rejected.registered.version} was rejected, "
                f"{self.rejected.reason}"
            )
        if self.registry_state.checked_at is None and self.registry_state.since is not None:
            cached = self._cache_fault or "no model is cached"
            raise NoModelError(f"no production model yet: MLflow cannot be reached, and {cached}")
        raise NoModelError("no production model yet: run train_models_diabetes_simple")

    async def poll(self) -> None:
        """Poll the registry once, and load the production version if it is new."""
        try:
            production = await self._registry.version_of(MODEL_NAME, PRODUCTION)
            self._set_reachable(production.version if production else None)
            if production is None:
                return
            version = production.version
            try:
                approval = self._approvals.verify(version, production.envelope)
            except UnapprovedError as error:
                self._reject(version, UNAPPROVED, str(error))
                return
            if self._is_served(version, approval):
                await self._renew(approval)
            elif self._is_due(version):
                await self._load(version, approval)
        except RegistryError as error:
            self._set_unreachable(str(error))

    def _is_served(self, version: RegisteredVersion, approval: Verified) -> bool:
        served = self.current
        return (
            served is not None
            and served.registered == version
            and served.approval.approval.manifest_sha256 == approval.approval.manifest_sha256
        )

    async def _renew(self, approval: Verified) -> None:
        """The served model: the alias was moved back, or it was approved or signed again."""
        self.rejected = None
        served = self.current
        if served is not None and served.approval != approval:
            self.current = replace(served, approval=approval, moved_by_hand=self._approvals.accept(approval))
            await asyncio.to_thread(self._cache.store_approval, served.registered, approval)

    def _is_due(self, version: RegisteredVersion) -> bool:
        rejected = self.rejected
        if rejected is None or rejected.registered != version or rejected.kind == UNAPPROVED:
            rejected = self._refusals.of_version(version)  # also one from before a restart
            self.rejected = rejected or self.rejected
        return rejected is None or is_due(rejected)

    async def _load(self, version: RegisteredVersion, approval: Verified) -> None:
        digest: str | None = None
        try:
            with self._cache.scratch() as scratch:
                async with asyncio.timeout(self._trial_seconds):
                    await self._registry.download(version, approval, scratch)
                    store_approval(scratch, approval)
                    digest = await asyncio.to_thread(digest_of, scratch)
                    bundle = await self._check(digest, scratch)
                self._serve(bundle, version, approval)
                await self._publish(version, scratch)
        except BundleError as error:
            self._reject(version, "bundle", str(error), digest)
        except UnapprovedError as error:
            self._reject(version, UNAPPROVED, str(error))
        except ArtifactError as error:
            self._reject(version, "artifact", str(error))
        except TimeoutError:
            self._reject(version, "timeout", f"it was not ready within {self._trial_seconds:g} seconds", digest)
        except OSError as error:
            self._reject(version, "disk", f"it cannot be stored in the model cache: {error.strerror}")
        except RegistryError:
            raise  # MLflow became unavailable; the version may be valid
        except Exception:  # any error: a version that cannot be checked is not served, and polling goes on
            logger.exception("unexpected error in the check of version %s", version.version)
            self._reject(version, "internal", "its check failed unexpectedly; see the log")

    async def _check(self, digest: str, scratch: Path) -> Bundle:
        if (refused := self._refusals.of_content(digest)) is not None:
            raise BundleError(refused.reason)  # the same files under another number are not tried again
        try:
            mark_checked(scratch, await check_in_sandbox(scratch, self._threads))
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
            digest = await asyncio.to_thread(sha256_of, folder / MANIFEST_FILE)
            approval = self._approvals.verify_cached(version, folder, digest)
            bundle = await asyncio.to_thread(_load_bundle, folder, self._threads)
        except (BundleError, UnapprovedError) as error:
            self.load_failures["cache"] += 1
            self._cache_fault = f"the cached model is not served: {error}"
            logger.warning("%s", self._cache_fault)
            return
        self._serve(bundle, version, approval)

    async def _poll_forever(self) -> None:
        while True:
            try:
                await self.poll()
            except Exception:
                # Polling must go on: the error is logged and counted, and the next poll may succeed.
                self.load_failures["internal"] += 1
                logger.exception("unexpected error in the poll of the registry")
            await asyncio.sleep(self._poll_seconds)

    def _serve(self, bundle: Bundle, version: RegisteredVersion, approval: Verified) -> None:
        summary = {"name": version.name, "version": version.version, "data_source": bundle.manifest.provenance}
        fragment = orjson.Fragment(orjson.dumps(summary))
        self.current = ServedModel(bundle, version, fragment, approval, self._approvals.accept(approval))
        self.rejected = None
        self._refusals.forget(version)
        logger.info("serving %s version %s", version.name, version.version)

    def _reject(self, version: RegisteredVersion, kind: str, reason: str, digest: str | None = None) -> None:
        before = self.rejected
        if kind == UNAPPROVED:
            if before is not None and (before.registered, before.reason) == (version, reason):
                return  # every poll verifies the approval; the refusal is counted and logged once
            self.rejected = Refusal(version, kind, reason, utc_now(), 1, 0)
        else:
            self.rejected = self._refusals.add(version, kind, reason, digest)
        self.load_failures[kind] += 1
        logger.error("%s", reason if kind == UNAPPROVED else f"version {version.version} is rejected: {reason}")

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
    bundle = load_bundle(folder, threads, graph_is_checked=is_checked(folder))
    trim_heap()  # while a graph is parsed, it takes several times its size
    return bundle
