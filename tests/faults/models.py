"""Good and bad model versions in a real MLflow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from ml.core.names import MODEL_NAME, PRODUCTION
from ml.core.settings import MlflowSettings
from ml.core.signing.approval import TAG
from ml.core.signing.keys import SigningKey
from ml.registry.client import Registry
from tests.integration.api.bundles import write_bundle
from tests.support.signing import KEY, approve, approve_folder

Damage = Callable[[Path], None]


class Models:
    """Registers versions, signed with a key, moves the alias, and knows the intercept of every good one."""

    def __init__(self, url: str, artifacts: Path, folder: Path, key: SigningKey = KEY) -> None:
        self._key = key
        self.truth: dict[str, float] = {}
        self._url = url
        self._artifacts = artifacts
        self._folder = folder
        self._registry = Registry(MlflowSettings.load(_env_file=None, mlflow_tracking_uri=url))

    def good(self, bias: float) -> str:
        """A version that may serve; its number."""
        number = self._register(write_bundle(self._folder / f"good {bias}", bias))
        self.truth[number] = bias
        return number

    def bad(self, damage: Damage | None = None, **options: Any) -> str:
        """A version that must not serve: a bundle with these options, its files in MLflow damaged afterwards."""
        number = self._register(write_bundle(self._folder / f"bad {len(list(self._folder.iterdir()))}", 1.0, **options))
        if damage is not None:
            files = self._files_of(number)
            damage(files)
            self._registry.set_tags(number, {TAG: approve_folder(number, files, self._key)})
        return number

    def promote(self, number: str) -> None:
        """Point production to a version, as a hand in MLflow would: past the gate."""
        self._registry.set_alias(PRODUCTION, number)

    def _register(self, bundle: Path) -> str:
        with self._registry.run("faults", {}):
            number = self._registry.register(bundle, {"data_source": "synthetic"}, "A test.").number
        approve(self._registry, number, self._key)
        return number

    def _files_of(self, number: str) -> Path:
        query = {"name": MODEL_NAME, "version": number}
        answer = httpx.get(f"{self._url}/api/2.0/mlflow/model-versions/get-download-uri", params=query)
        return self._artifacts / urlsplit(answer.json()["artifact_uri"]).path.lstrip("/")
