"""The dashboards conform to Grafana's published schema.

Grafana's SDK, generated from the schemas of dashboards and panels, parses and serialises each file: a key outside the
schema, or a value of another type, would be lost or changed.
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


def round_trip(document: dict[str, Any]) -> Any:
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(document)))


def differences(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Places in `before` that are missing or different in `after`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from differences(value, after.get(key), f"{place}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif before != after:
        yield place


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dashboard_conforms_to_the_schema(path: Any) -> None:
    document = json.loads(path.read_text())
    assert list(differences(document, round_trip(document))) == []


@pytest.mark.parametrize(
    ("place", "key"),
    [((), "colour"), (("panels", 1), "colour"), (("panels", 1, "options"), "colour"), (("templating",), "colour")],
    ids=["dashboard", "panel", "options", "templating"],
)
def test_a_key_outside_the_schema_is_detected(place: tuple[str | int, ...], key: str) -> None:
    document = json.loads(FILES[0].read_text())
    inner = document
    for step in place:
        inner = inner[step]
    inner[key] = "red"
    assert list(differences(document, round_trip(document))) != []
