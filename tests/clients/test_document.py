"""The OpenAPI document satisfies the linters that API teams use."""

from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import Service
from tests.clients.environments import node_environment, run

LINT = Path(__file__).parent / "lint"


@pytest.fixture
def document(service: Service, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{service.url}/openapi.json").content)
    return path


def test_spectral_has_nothing_to_say(document: Path) -> None:
    spectral = node_environment(LINT / "package.json") / "node_modules" / ".bin" / "spectral"

    run([spectral, "lint", document, "--ruleset", LINT / "spectral.yaml", "--fail-severity", "hint"])


def test_redocly_finds_no_error(document: Path) -> None:
    redocly = node_environment(LINT / "package.json") / "node_modules" / ".bin" / "redocly"

    run([redocly, "lint", document], REDOCLY_TELEMETRY="off", REDOCLY_SUPPRESS_UPDATE_NOTICE="true")
