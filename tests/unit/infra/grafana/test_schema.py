"""The dashboards keep to Grafana's published schema, as Grafana's own SDK for its version 12 and later reads it.

Read by the SDK and written again, nothing may be lost or changed: a key that the schema does not have, or a value of
another shape, would not come back. The SDK is generated from the schemas of the dashboard and of each kind of panel.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from infra.local.settings import ROOT

FILES = sorted((ROOT / "infra" / "grafana" / "dashboards").glob("*.json"))


def read_and_written(document: dict[str, Any]) -> Any:
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(document)))


def lost(given: Any, found: Any, place: str = "") -> Iterator[str]:
    """Places where something given did not come back as it was."""
    if isinstance(given, dict) and isinstance(found, dict):
        for key, value in given.items():
            yield from lost(value, found.get(key), f"{place}.{key}")
    elif isinstance(given, list) and isinstance(found, list) and len(given) == len(found):
        for number, (one, other) in enumerate(zip(given, found, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif given != found:
        yield place


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dashboard_keeps_to_the_schema(path: Any) -> None:
    document = json.loads(path.read_text())
    assert list(lost(document, read_and_written(document))) == []


@pytest.mark.parametrize(
    ("place", "key"),
    [((), "colour"), (("panels", 1), "colour"), (("panels", 1, "options"), "colour"), (("templating",), "colour")],
    ids=["dashboard", "panel", "options", "templating"],
)
def test_what_the_schema_does_not_have_is_found(place: tuple[str | int, ...], key: str) -> None:
    document = json.loads(FILES[0].read_text())
    inner = document
    for step in place:
        inner = inner[step]
    inner[key] = "red"
    assert list(lost(document, read_and_written(document))) != []
