"""The gate with its services, and helpers to observe it and to interrupt it."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import sqlalchemy as sa

from ml.core.names import MODEL_NAME, PRODUCTION
from ml.core.settings import MlSettings
from ml.core.signing.approval import TAG
from ml.promotion.approvals import Approver, sound_digest
from ml.promotion.gate import Outcome, run_gate
from ml.promotion.ledger import Action, Entry, Ledger
from ml.promotion.production_alias import apply
from ml.registry.client import Registry
from tests.integration.ml.registries import alias_answer, register_bundle

MINORITY = "AfricanAmerican"
ACTOR = "the tests"


@dataclass(frozen=True)
class Gate:
    """The gate with its services."""

    settings: MlSettings
    engine: sa.Engine
    registry: Registry

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.engine)

    @property
    def entries(self) -> list[Entry]:
        """The ledger, the oldest first."""
        return self.ledger.entries()[::-1]

    @property
    def actions(self) -> list[tuple[Action, str | None, str | None]]:
        """Action, version and incumbent of each entry, the oldest first."""
        return [(entry.action, entry.version, entry.incumbent) for entry in self.entries]

    @property
    def production(self) -> str | None:
        found = self.registry.version_by_alias(PRODUCTION)
        return found.number if found else None

    def tags(self, number: str) -> dict[str, str]:
        return self.registry.version(number).tags

    def add(self, bundle: Path, provenance: str = "real", **tags: str) -> str:
        """Register a bundle with changed tags."""
        number = register_bundle(self.registry, bundle, provenance).number
        self.registry.set_tags(number, tags)
        return number

    def approve(self, number: str) -> None:
        """Put a version into production by a signed decision, without an evaluation."""
        approver = Approver.from_settings(self.settings)
        digest = sound_digest(self.registry, self.registry.version(number))
        with self.ledger.lock():
            pointed, before = self.production, self.ledger.decided()
            entry = self.ledger.add(
                Action.PROMOTED,
                number,
                before.version if before else None,
                actor=ACTOR,
                reason="for a test",
                rule="better",
                sign=approver.sign(number, digest),
            )
            apply(self.registry, self.ledger, entry, pointed)

    def delete_alias(self) -> None:
        where = {"name": MODEL_NAME, "alias": PRODUCTION}
        address = f"{self.settings.mlflow_tracking_uri}/api/2.0/mlflow/registered-models/alias"
        httpx.request("DELETE", address, json=where).raise_for_status()

    def judge(self, number: str | None = None, registry: Registry | None = None) -> Outcome:
        return run_gate(self.settings, self.engine, registry or self.registry, number, ACTOR)


class polled_alias:  # noqa: N801  used like a function
    """Polls the production alias; yields the list of version numbers, or of status codes."""

    def __init__(self, address: str) -> None:
        self._address, self._end, self.seen = address, threading.Event(), list[str]()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._end.is_set():
            self._ask()
        self._ask()

    def _ask(self) -> None:
        answer = alias_answer(self._address, PRODUCTION)
        self.seen.append(answer.json()["model_version"]["version"] if answer.is_success else str(answer.status_code))

    def __enter__(self) -> list[str]:
        self._thread.start()
        while not self.seen:
            time.sleep(0.01)
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def delete_files(address: str, number: str, name: str = "") -> None:
    """Delete a file of a version, or all of them, from MLflow's artifact store."""
    where, api = {"name": "diabetes-readmission", "version": number}, f"{address}/api/2.0"
    uri = httpx.get(f"{api}/mlflow/model-versions/get-download-uri", params=where).json()["artifact_uri"]
    path = uri.removeprefix("mlflow-artifacts:/").lstrip("/")
    httpx.delete(f"{api}/mlflow-artifacts/artifacts/{path}{name and '/' + name}").raise_for_status()


class Killed(BaseException):
    """Stands for the end of the process."""


class InterruptedRegistry(Registry):
    """A registry whose process is killed at one step of a decision."""

    def __init__(self, settings: MlSettings, step: str) -> None:
        super().__init__(settings)
        self._step = step

    def set_alias(self, alias: str, number: str) -> None:
        if self._step == "before the alias":
            raise Killed
        super().set_alias(alias, number)
        if self._step == "after the alias":
            raise Killed

    def set_tags(self, number: str, tags: dict[str, str]) -> None:
        if tags.keys() == {TAG}:  # the approval, before the alias
            super().set_tags(number, tags)
        elif self._step == "among the tags":
            super().set_tags(number, dict(list(tags.items())[:1]))
            raise Killed
        else:
            super().set_tags(number, tags)
            if self._step == "after the tags":
                raise Killed
