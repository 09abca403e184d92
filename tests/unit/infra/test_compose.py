"""docker-compose.yml, and the services that overlays add."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.backup.__main__ import COPIES
from infra.local.programs.environment import TELEMETRY_OFF
from infra.secrets.distribute import AUDIENCES, CONFIGURATION, copy, mirror
from infra.secrets.generate import SECRETS
from ml.core.names import PUBLIC_KEYS, SIGNING_KEY
from tests.support.gateway import CADDYFILE, UPSTREAM
from tests.support.overlays import GATEWAY, SCALE, extended, overlay

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "docker-compose.yml").read_text())
TEXT = yaml.safe_dump(COMPOSE)
ADDED = {"gateway": GATEWAY, "haproxy": SCALE, "valkey": SCALE}
"""Services that an overlay adds; ``test_scaling.py`` has the others."""
SERVICES: dict[str, Any] = COMPOSE["services"] | {name: overlay(ADDED[name])["services"][name] for name in ADDED}
EXTENDED = {"airflow-worker": "airflow-dag-processor", "dask-scheduler": "exporter", "dask-worker": "exporter"}
SERVICES |= {name: extended(overlay(SCALE)["services"][name], SERVICES[base]) for name, base in EXTENDED.items()}
BUILT = sorted(name for name, service in SERVICES.items() if "build" in service)
WITHOUT_TELEMETRY = {"api", "dask-scheduler", "exporter", "secrets"}
"""They import no library that sends usage data."""


@pytest.mark.parametrize("name", BUILT)
def test_an_image_is_built_with_version_and_commit(name: str) -> None:
    assert SERVICES[name]["build"]["args"] == {
        "UV_DEFAULT_INDEX": "${UV_DEFAULT_INDEX:-}",
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
    assert {name for names in AUDIENCES.values() for name in names} == {*SECRETS, PUBLIC_KEYS}


def test_the_private_key_is_only_where_the_gate_runs_and_where_secrets_are_kept() -> None:
    holding = {"secrets-all", *(f"secrets-{name}" for name, names in AUDIENCES.items() if SIGNING_KEY in names)}
    readers = {
        name
        for name, service in SERVICES.items()
        if any(str(mount).partition(":")[0] in holding for mount in service.get("volumes", []))
    }
    backups = {name for name in SERVICES if name.startswith(("backup", "restore"))}
    assert readers - backups == {"airflow-init", "airflow-scheduler", "secrets"}


def test_every_audience_has_a_volume_that_one_service_or_more_reads() -> None:
    volumes = {f"secrets-{audience}" for audience in AUDIENCES}
    assert volumes_of("secrets", "secrets-") - {"secrets-all"} == volumes == read_volumes("secrets-") - {"secrets-all"}


def test_only_a_restore_writes_to_the_volume_of_all_secrets() -> None:
    assert {name for name in SERVICES if "secrets-all" in volumes_of(name, "secrets-")} == {"secrets", "restore"}


def test_what_may_write_to_the_volumes_of_other_services_runs_only_when_it_is_called() -> None:
    added = {name for name, service in SERVICES.items() if service.get("cap_add")}
    assert added == {"cadvisor", "gateway", "restore"}
    assert SERVICES["gateway"]["cap_add"] == ["NET_BIND_SERVICE"]
    assert SERVICES["restore"]["profiles"] == ["backup"]
    assert SERVICES["restore"]["restart"] == "no"


def test_every_configuration_has_a_volume_that_a_service_reads_and_nothing_of_the_clone_is_mounted() -> None:
    volumes = {f"configuration-{audience}" for audience in CONFIGURATION}
    assert volumes_of("secrets", "configuration-") == volumes == read_volumes("configuration-")
    assert read_volumes(".") == set()
    mounted = [
        v for name, s in SERVICES.items() if name != "secrets" for v in s.get("volumes", []) if isinstance(v, str)
    ]
    assert all(v.endswith(":ro,nocopy") for v in mounted if v.startswith("configuration-"))


def volumes_of(service: str, prefix: str) -> set[str]:
    volumes = (volume for volume in SERVICES[service].get("volumes", []) if isinstance(volume, str))
    return {volume.split(":")[0] for volume in volumes if volume.startswith(prefix)}


def read_volumes(prefix: str) -> set[str]:
    return {volume for name in SERVICES if name != "secrets" for volume in volumes_of(name, prefix)}


def test_a_mirrored_folder_has_the_files_of_the_last_copy_only(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "rules").mkdir(parents=True)
    (source / "rules" / "api.yml").write_text("new")
    (target / "old").mkdir(parents=True)
    (target / "old" / "rule.yml").touch()
    mirror(source, target)
    assert [path.relative_to(target).as_posix() for path in sorted(target.rglob("*"))] == ["rules", "rules/api.yml"]


DATABASES = {name for name, service in SERVICES.items() if "postgres:" in service.get("image", "")}
"""Servers, and what prepares them: they speak to PostgreSQL only."""


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"secrets"} - DATABASES))
def test_no_proxy_comes_between_services(name: str) -> None:
    """Every service whose name is in an address is exempt, and so are health checks."""
    hosts = SERVICES[name]["environment"]["NO_PROXY"].split(",")
    assert SERVICES[name]["environment"]["no_proxy"].split(",") == hosts
    addressed = {service for service in SERVICES if f"http://{service}:" in TEXT}
    assert {"localhost", "127.0.0.1"} | addressed <= set(hosts)
    assert hosts[-1] == "${NO_PROXY:-}"


def test_no_proxy_comes_between_the_gateway_and_a_page() -> None:
    assert set(UPSTREAM.findall(CADDYFILE.read_text())) <= set(
        SERVICES["gateway"]["environment"]["NO_PROXY"].split(",")
    )


@pytest.mark.parametrize("name", ADDED)
def test_an_added_service_is_hardened_and_checked_as_every_other_one(name: str) -> None:
    service = SERVICES[name]
    assert service.items() >= COMPOSE["x-service"].items()
    assert (service["healthcheck"] | {"interval": "15s"}).items() >= COMPOSE["x-healthcheck"].items()
    assert service["mem_limit"]
    assert service["user"].split(":")[0] not in ("0", "root")


def test_the_gateway_replaces_every_published_port() -> None:
    published = {name for name, service in COMPOSE["services"].items() if "ports" in service}
    assert {
        name for name, service in overlay(GATEWAY)["services"].items() if service.get("ports", "kept") is None
    } == published


def test_the_gateway_tells_every_service_the_addresses_that_it_links_to() -> None:
    behind = {name for name, service in SERVICES.items() if "UI_PUBLIC_URL" in service.get("environment", {})}
    changed = {
        name
        for name, service in overlay(GATEWAY)["services"].items()
        if "UI_PUBLIC_URL" in service.get("environment", {})
    }
    assert behind | {"alertmanager", "airflow-scheduler"} == changed


def test_the_oldest_supported_engine_knows_every_part_of_a_health_check() -> None:
    checks = [service["healthcheck"] for service in SERVICES.values() if "healthcheck" in service]
    assert {key for check in checks for key in check} == {"test", "interval", "timeout", "retries", "start_period"}


def test_two_clones_have_two_projects() -> None:
    assert "name" not in COMPOSE, "Compose then takes the name of the folder"


def test_a_copied_secret_is_readable_by_every_user_of_the_container(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("value")
    copy(tmp_path / "secret", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "value"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o444


def test_behind_the_gateway_three_services_reach_other_machines_and_not_one_another_by_that() -> None:
    networks = overlay(GATEWAY)["networks"]
    outward = {name for name, network in networks.items() if not network}
    assert networks.keys() == COMPOSE["networks"].keys() | outward
    members = {
        network: [
            name for name, service in overlay(GATEWAY)["services"].items() if network in service.get("networks", [])
        ]
        for network in outward
    }
    assert members == {
        "downloads": ["airflow-scheduler"],
        "entrance": ["gateway"],
        "notifications": ["alertmanager"],
    }


def test_copies_of_the_servers_run_the_same_postgresql_on_the_files_that_a_restore_prepares() -> None:
    assert {SERVICES[name]["image"] for name in ("postgres", "mlflow-postgres", "postgres-copies")} == {
        SERVICES["postgres"]["image"]
    }
    folder = f"postgres-copies:{COPIES}"
    assert folder in SERVICES["restore"]["volumes"]
    assert folder in SERVICES["postgres-copies"]["volumes"]
    archive = "${WAL_ARCHIVE_DIR:-wal-archive}:/wal-archive"
    mounting = {
        name
        for name, service in SERVICES.items()
        if {archive, f"{archive}:ro"} & {*map(str, service.get("volumes", []))}
    }
    assert mounting == {
        "secrets",
        "postgres",
        "mlflow-postgres",
        "postgres-copies",
        "backup",
        "backup-schedule",
        "restore",
    }


def test_services_that_up_does_not_build_are_built_when_they_run() -> None:
    with_profile = [service for service in COMPOSE["services"].values() if service.get("profiles")]
    assert {service["pull_policy"] for service in with_profile if "build" in service} == {"build"}
