"""The files that change docker-compose.yml."""

from typing import Any

import yaml

from infra.local.settings import ROOT

GATEWAY, SCALE = "docker-compose.gateway.yml", "docker-compose.scale.yml"
JOINED = "docker-compose.worker.yml"
"""A project of its own, on another machine."""
OVERLAYS = (GATEWAY, SCALE, JOINED)


class _Loader(yaml.SafeLoader):
    """Reads Compose's own tags, too."""


_Loader.add_constructor("!reset", lambda _loader, _node: None)
_Loader.add_constructor(
    "!override",
    lambda loader, node: (
        loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node, deep=True)
    ),
)


def overlay(name: str) -> dict[str, Any]:
    """The content of an overlay; what it removes is None."""
    loaded: dict[str, Any] = yaml.load((ROOT / name).read_text(), _Loader)  # noqa: S506 -- a safe loader
    return loaded


def extended(service: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """A service that extends another one, with what it has of that; a value that it removes is None."""
    return base | {
        key: base[key] | value if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in service.items()
    }
