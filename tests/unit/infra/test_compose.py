"""docker-compose.yml: build arguments and telemetry."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.programs.environment import TELEMETRY_OFF

SERVICES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "docker-compose.yml").read_text())["services"]
BUILT = sorted(name for name, service in SERVICES.items() if "build" in service)
WITHOUT_TELEMETRY = {"api", "exporter"}
"""They import no library that sends usage data."""


@pytest.mark.parametrize("name", BUILT)
def test_an_image_is_built_with_version_and_commit(name: str) -> None:
    assert SERVICES[name]["build"]["args"] == {
        "BUILD_VERSION": "${BUILD_VERSION:-unknown}",
        "BUILD_COMMIT": "${BUILD_COMMIT:-unknown}",
    }


@pytest.mark.parametrize("name", sorted(set(BUILT) - WITHOUT_TELEMETRY))
def test_a_service_sends_no_usage_data(name: str) -> None:
    assert SERVICES[name]["environment"].items() >= TELEMETRY_OFF.items()


def test_grafana_sends_no_usage_data() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert {value for name, value in environment.items() if name.startswith("GF_ANALYTICS_")} == {"false"}
