"""Prometheus, its exporters and Grafana, each only where its program is on this machine."""

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path

from infra.local.postgres.cluster import MONITOR
from infra.local.programs.alertmanager import alerting_programs, alertmanager_command
from infra.local.programs.program import Program, installed
from infra.local.settings import ROOT, StackSettings
from infra.local.supervision.probes import http_probe
from infra.prometheus.layout import SOURCE, lay_out

GRAFANA_FILES = ROOT / "infra" / "grafana"
POSTGRES_EXPORTERS = ("prometheus-postgres-exporter", "postgres_exporter")
NODE_EXPORTERS = ("prometheus-node-exporter", "node_exporter")
GRAFANA_HOMES = ("/usr/share/grafana", "/opt/grafana")


def watching_programs(settings: StackSettings) -> list[Program]:
    """The programs this machine has, of those that watch the others."""
    programs = _postgres_exporters(settings) + alerting_programs(settings)
    if (node := installed(*NODE_EXPORTERS)) is not None:
        programs.append(_node_exporter(settings, node))
    if installed("prometheus"):
        programs.append(_prometheus(settings))
    if (grafana := _grafana(settings)) is not None:
        programs.append(grafana)
    return programs


def write_prometheus_files(settings: StackSettings) -> None:
    """Lay out configuration and rules of Compose, with the addresses of this machine; before Prometheus starts."""
    lay_out(settings.places.prometheus, {job: f"{settings.host}:{port}" for job, port in _scraped(settings).items()})


def _fingerprint(settings: StackSettings) -> str:
    """Changes with all that Prometheus reads: what runs with another one is started anew."""
    files = [SOURCE / "prometheus.yml", *sorted((SOURCE / "rules").glob("*.yml"))]
    read = [json.dumps(_scraped(settings)).encode(), *(file.read_bytes() for file in files)]
    return hashlib.sha256(b"".join(read)).hexdigest()


def _scraped(settings: StackSettings) -> dict[str, int]:
    jobs = {
        "api": settings.api_port,
        "exporter": settings.exporter_port,
        "streamlit": settings.ui_port,
        "locust": settings.locust_port,
        "prometheus": settings.prometheus_port,
    }
    if _grafana(settings) is not None:
        jobs["grafana"] = settings.grafana_port
    if installed(*NODE_EXPORTERS):
        jobs["node"] = settings.node_exporter_port
    if alertmanager_command():
        jobs["alertmanager"] = settings.alertmanager_port
        jobs["notices"] = settings.notices_port
    if installed(*POSTGRES_EXPORTERS):
        jobs["postgres"] = settings.postgres_exporter_port
        jobs["mlflow-postgres"] = settings.mlflow_postgres_exporter_port
    return jobs


def _prometheus(settings: StackSettings) -> Program:
    folder, port = settings.places.prometheus, settings.prometheus_port
    return Program(
        name="prometheus",
        command=[
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=15d",
            f"--web.listen-address={settings.bind_address}:{port}",
        ],
        is_ready=http_probe(f"{settings.url(port)}/-/ready"),
        environment={"CONFIGURATION": _fingerprint(settings)},
        ports={"PROMETHEUS_PORT": port},
        address=f"http://localhost:{port}",
    )


def _postgres_exporters(settings: StackSettings) -> list[Program]:
    command = installed(*POSTGRES_EXPORTERS)
    if command is None:
        return []
    options = _exporter_options(command)
    return [
        Program(
            name=f"{server}-exporter",
            command=[command, f"--web.listen-address={settings.bind_address}:{port}", *options],
            is_ready=http_probe(f"{settings.url(port)}/metrics"),
            ports={f"{server.upper().replace('-', '_')}_EXPORTER_PORT": port},
            environment={
                "DATA_SOURCE_URI": f"127.0.0.1:{database_port}/postgres?sslmode=disable",
                "DATA_SOURCE_USER": MONITOR,
            },
            secret_environment={"DATA_SOURCE_PASS": f"{{{server.replace('-', '_')}_monitor_password}}"},
        )
        for server, database_port, port in (
            ("postgres", settings.postgres_port, settings.postgres_exporter_port),
            ("mlflow-postgres", settings.mlflow_postgres_port, settings.mlflow_postgres_exporter_port),
        )
    ]


def _node_exporter(settings: StackSettings, command: str) -> Program:
    port = settings.node_exporter_port
    collectors = ("cpu", "filesystem", "loadavg", "meminfo")
    return Program(
        name="node-exporter",
        command=[
            command,
            f"--web.listen-address={settings.bind_address}:{port}",
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in collectors),
        ],
        is_ready=http_probe(f"{settings.url(port)}/metrics"),
        ports={"NODE_EXPORTER_PORT": port},
    )


@cache
def _exporter_options(command: str) -> tuple[str, ...]:
    """The exporter of Debian 12 reads a table that PostgreSQL 17 moved: an error in its log at every scrape."""
    said = subprocess.run([command, "--help"], capture_output=True, text=True, check=False)
    return ("--no-collector.bgwriter",) if "--collector.bgwriter" in said.stdout + said.stderr else ()


def _grafana(settings: StackSettings) -> Program | None:
    command, port = installed("grafana", "grafana-server"), settings.grafana_port
    home = next((place for place in GRAFANA_HOMES if Path(place).is_dir()), None)
    if command is None or home is None:
        return None
    return Program(
        name="grafana",
        command=[command, *(["server"] if command.endswith("grafana") else []), f"--homepath={home}"],
        is_ready=http_probe(f"{settings.url(port)}/api/health"),
        ports={"GRAFANA_PORT": port},
        address=f"http://localhost:{port}",
        environment={
            "GF_SERVER_HTTP_ADDR": settings.bind_address,
            "GF_SERVER_HTTP_PORT": str(port),
            "GF_PATHS_DATA": str(settings.places.grafana),
            "GF_PATHS_LOGS": str(settings.places.logs / "grafana"),
            "GF_PATHS_PROVISIONING": str(GRAFANA_FILES / "provisioning"),
            "GF_SECURITY_ADMIN_USER": settings.grafana_user,
            "GF_SECURITY_ADMIN_PASSWORD": settings.grafana_password.get_secret_value(),
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
            "PROMETHEUS_URL": settings.url(settings.prometheus_port),
            "ALERTMANAGER_URL": settings.url(settings.alertmanager_port),
            "DASHBOARDS_DIR": str(GRAFANA_FILES / "dashboards"),
        },
    )
