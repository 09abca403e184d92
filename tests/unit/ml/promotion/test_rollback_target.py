"""Which version a rollback goes back to, from a ledger and tags in memory."""

from collections.abc import Mapping

import pytest

from ml.core.errors import RegistryError
from ml.promotion.ledger import Ledger
from ml.promotion.rollback_target import rollback_target, validate_rollback_target
from ml.promotion.version_tags import REPLACED, ROLLED_BACK
from ml.registry.client import ModelVersion, Registry

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
    """A ledger in which each version replaced another."""

    def __init__(self, replaced: Mapping[str, str]) -> None:
        self._replaced = replaced

    def version_replaced_by(self, version: str) -> str | None:
        return self._replaced.get(version)


def target(tags: Mapping[str, dict[str, str]], replaced: Mapping[str, str], production: str) -> str | None:
    registry = Versions(tags)
    found = rollback_target(registry, Replaced(replaced), registry.version(production))
    return found.number if found else None


def test_it_is_the_version_that_production_replaced_by_the_ledger() -> None:
    tags: dict[str, dict[str, str]] = {"1": {}, "2": {}, "3": {REPLACED: "1"}}

    assert target(tags, {"3": "2", "2": "1"}, "3") == "2"


def test_the_tag_counts_for_versions_that_are_older_than_the_ledger() -> None:
    tags: dict[str, dict[str, str]] = {"1": {}, "2": {REPLACED: "1"}, "3": {}}

    assert target(tags, {}, "2") == "1"
    assert target({**tags, "2": {**tags["2"], **WITHDRAWN}}, {"3": "2"}, "3") == "1"


def test_withdrawn_and_deleted_versions_are_skipped() -> None:
    tags: dict[str, dict[str, str]] = {"1": {}, "3": WITHDRAWN, "4": {}}

    assert target(tags, {"4": "3", "3": "2", "2": "1"}, "4") == "1"


@pytest.mark.parametrize("replaced", [{}, {"2": "1"}, {"2": "1", "1": "2"}, {"2": "9"}])
def test_there_is_none_if_all_are_withdrawn_or_form_a_circle(replaced: Mapping[str, str]) -> None:
    assert target({"1": WITHDRAWN, "2": {}}, replaced, "2") is None


@pytest.mark.parametrize(
    ("number", "message"), [("2", "^Version 2 is in production already"), ("1", "synthetic data, which never replaces")]
)
def test_production_itself_and_synthetic_over_real_are_refused(number: str, message: str) -> None:
    registry = Versions({"1": {"data_source": "synthetic"}, "2": {"data_source": "real"}})

    with pytest.raises(RegistryError, match=message):
        validate_rollback_target(registry, registry.version("2"), registry.version(number))
