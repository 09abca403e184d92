"""docker-compose.yml: build arguments, telemetry and secrets."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.programs.environment import TELEMETRY_OFF
from infra.secrets.distribute import AUDIENCES, copy
from infra.secrets.generate import SECRETS

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


def test_every_secret_is_generated_and_has_an_audience() -> None:
    assert {name for names in AUDIENCES.values() for name in names} == set(SECRETS)


def test_every_audience_has_a_volume_that_one_service_or_more_reads() -> None:
    volumes = {f"secrets-{audience}" for audience in AUDIENCES}
    written = {volume.split(":")[0] for volume in SERVICES["secrets"]["volumes"]} - {"./infra", "secrets-all"}
    read = {
        volume.split(":")[0]
        for name, service in SERVICES.items()
        if name != "secrets"
        for volume in service.get("volumes", [])
        if isinstance(volume, str) and volume.startswith("secrets-")
    }
    assert written == read == volumes


def test_a_copied_secret_is_readable_by_every_user_of_the_container(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("value")
    copy(tmp_path / "secret", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "value"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o444
