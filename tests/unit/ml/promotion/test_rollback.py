"""Which version a rollback goes back to, from a ledger and tags in memory."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from ml.core.errors import RegistryError
from ml.promotion.approvals import Approver
from ml.promotion.ledger import Action, Entry, Ledger
from ml.promotion.rollback import rollback_target, validate_rollback_target
from ml.promotion.version_tags import REPLACED, ROLLED_BACK
from ml.registry.client import ModelVersion, Registry
from tests.support.signing import KEY

FORGED = "9"
WITHDRAWN = {ROLLED_BACK: "2026-01-01"}


class Versions(Registry):
    """A registry of versions with these tags."""

    def __init__(self, tags: Mapping[str, dict[str, str]]) -> None:
        self._tags = tags

    def version(self, number: str) -> ModelVersion:
        return ModelVersion(number, "run", self._tags[number], ())

    def exists(self, number: str) -> bool:
        return number in self._tags


class Replaced(Ledger):
    """A ledger in which each version replaced another, and ``decided`` was decided on last."""

    def __init__(self, replaced: Mapping[str, str], decided: str | None) -> None:
        self._replaced, self._decided = replaced, decided

    def decided(self) -> Entry | None:
        at = datetime(2026, 1, 2, tzinfo=UTC)
        if self._decided is None:
            return None
        return Entry(1, at, Action.PROMOTED, self._decided, None, "", "", "", {}, at, None)

    def has_decided_for(self, version: str) -> bool:
        return version in {*self._replaced, *self._replaced.values(), self._decided} - {FORGED}

    def version_replaced_by(self, version: str) -> str | None:
        return self._replaced.get(version)


def target(
    tags: Mapping[str, dict[str, str]], replaced: Mapping[str, str], decided: str | None, pointed: str | None
) -> str | None:
    found = rollback_target(Versions(tags), Replaced(replaced, decided), pointed)
    return found.number if found else None


def test_it_is_the_version_that_production_replaced_by_the_ledger_whatever_the_tags_say() -> None:
    tags: dict[str, dict[str, str]] = {"1": {}, "2": {}, "3": {REPLACED: "1"}}

    assert target(tags, {"3": "2", "2": "1"}, "3", "3") == "2"


@pytest.mark.parametrize("pointed", [FORGED, "1", None])
def test_after_a_manual_move_it_is_the_version_that_was_decided_on_last(pointed: str | None) -> None:
    tags: dict[str, dict[str, str]] = {"1": {}, "2": {}, FORGED: {}}

    assert target(tags, {"2": "1"}, "2", pointed) == "2"


def test_withdrawn_deleted_and_never_approved_versions_are_skipped() -> None:
    tags: dict[str, dict[str, str]] = {"1": {}, "3": WITHDRAWN, "4": {}, FORGED: {}}

    assert target(tags, {"4": "3", "3": "2", "2": "1"}, "4", "4") == "1"
    assert target(tags, {"4": FORGED, FORGED: "1"}, "4", "4") == "1"


@pytest.mark.parametrize("replaced", [{}, {"2": "1"}, {"2": "1", "1": "2"}, {"2": "5"}])
def test_there_is_none_if_all_are_withdrawn_or_form_a_circle(replaced: Mapping[str, str]) -> None:
    assert target({"1": WITHDRAWN, "2": {}}, replaced, "2", "2") is None


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("2", "^Version 2 is in production already"),
        ("1", "synthetic data, which never replaces"),
        (FORGED, r"^Version 9 was never approved by the gate: run `python -m ml promote 9`\.$"),
    ],
)
def test_production_itself_forged_versions_and_synthetic_over_real_are_refused(number: str, message: str) -> None:
    registry = Versions({"1": {"data_source": "synthetic"}, "2": {"data_source": "real"}, FORGED: {}})
    approver = Approver(KEY, {})

    with pytest.raises(RegistryError, match=message):
        validate_rollback_target(
            registry, Replaced({"2": "1"}, "2"), approver, registry.version("2"), registry.version(number)
        )
