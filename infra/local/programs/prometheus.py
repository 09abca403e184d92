"""Prometheus, its exporters, Alertmanager and Grafana in the native stack, on machines that have the programs."""

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path

from infra.local.postgres.cluster import MONITOR
from infra.local.programs.alertmanager import alertmanager_command, alertmanager_program
from infra.local.programs.program import Program, installed
from infra.local.settings import ROOT, StackSettings
from infra.local.supervision.probes import http_probe
from infra.prometheus.configuration import render, write

GRAFANA_FILES = ROOT / "infra" / "grafana"
POSTGRES_EXPORTERS = ("prometheus-postgres-exporter", "postgres_exporter")
NODE_EXPORTERS = ("prometheus-node-exporter", "node_exporter")
GRAFANA_HOMES = ("/usr/share/grafana", "/opt/grafana")


def watching_programs(settings: StackSettings) -> list[Program]:
    """The installed ones of the programs that monitor the stack."""
    programs = _postgres_exporters(settings)
    if (alertmanager := alertmanager_command()) is not None:
        programs.append(alertmanager_program(settings, alertmanager))
    if (node := installed(*NODE_EXPORTERS)) is not None:
        programs.append(_node_exporter(settings, node))
    if installed("prometheus"):
        programs.append(_prometheus(settings))
    if (grafana := _grafana(settings)) is not None:
        programs.append(grafana)
    return programs


def write_prometheus_files(settings: StackSettings) -> None:
    """Write Prometheus's configuration with the addresses of this stack, before Prometheus starts."""
    write(settings.places.prometheus, _targets(settings), settings.ui_public_url)


def _targets(settings: StackSettings) -> dict[str, str]:
    ports = {
        "api": settings.api_port,
        "exporter": settings.exporter_port,
        "streamlit": settings.ui_port,
        "locust": settings.locust_port,
        "prometheus": settings.prometheus_port,
    }
    if _grafana(settings) is not None:
        ports["grafana"] = settings.grafana_port
    if installed(*NODE_EXPORTERS):
        ports["node"] = settings.node_exporter_port
    if alertmanager_command():
        ports["alertmanager"] = settings.alertmanager_port
    if installed(*POSTGRES_EXPORTERS):
        ports["postgres"] = settings.postgres_exporter_port
        ports["mlflow-postgres"] = settings.mlflow_postgres_exporter_port
    return {job: f"{settings.host}:{port}" for job, port in ports.items()}


def _prometheus(settings: StackSettings) -> Program:
    folder, port = settings.places.prometheus, settings.prometheus_port
    address = f"http://localhost:{port}"
    files = json.dumps(render(_targets(settings), settings.ui_public_url))
    return Program(
        name="prometheus",
        command=[
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=15d",
            f"--web.listen-address={settings.bind_address}:{port}",
            f"--web.external-url={address}",
        ],
        is_ready=http_probe(f"{settings.url(port)}/-/ready"),
        environment={"CONFIGURATION": hashlib.sha256(files.encode()).hexdigest()},  # a change restarts it
        ports={"PROMETHEUS_PORT": port},
        address=address,
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
    """Debian 12's exporter reads a table that PostgreSQL 17 has moved, and logs an error at every scrape."""
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=False)
    return ("--no-collector.bgwriter",) if "--collector.bgwriter" in shown.stdout + shown.stderr else ()


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
