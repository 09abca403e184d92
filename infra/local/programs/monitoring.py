"""Prometheus, its exporters, Alertmanager and Grafana, on machines that have the programs."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from infra.local.postgres.cluster import MONITOR
from infra.local.programs.environment import read_settings
from infra.local.programs.program import Program, http_program, installed
from infra.local.settings import ROOT, StackSettings
from infra.prometheus.configuration import job_names, render, write

ALERTMANAGER_CONFIGURATION = ROOT / "infra" / "alertmanager" / "alertmanager.yml"
GRAFANA_FILES = ROOT / "infra" / "grafana"
POSTGRES_EXPORTERS = ("prometheus-postgres-exporter", "postgres_exporter")
NODE_EXPORTERS = ("prometheus-node-exporter", "node_exporter")
GRAFANA_HOMES = ("/usr/share/grafana", "/opt/grafana")


def monitoring_programs(settings: StackSettings, services: list[Program]) -> list[Program]:
    """The installed programs that monitor the stack; `services` are the programs that Prometheus may scrape."""
    exporters = [*_postgres_exporters(settings), *_alertmanager(settings), *_node_exporter(settings)]
    grafana = _grafana(settings)
    return [*exporters, *_prometheus(settings, [*services, *exporters, *grafana]), *grafana]


def write_prometheus_files(settings: StackSettings, programs: Iterable[Program]) -> None:
    """Write Prometheus's configuration with the addresses of the programs, before Prometheus starts."""
    write(settings.paths.prometheus, _targets(settings, programs), settings.ui_public_url)


def _targets(settings: StackSettings, programs: Iterable[Program]) -> dict[str, str]:
    """Addresses by scrape job: the name of the program, without ``-exporter`` where it exports for another one."""
    ports = {program.name.removesuffix("-exporter"): port for program in programs for port in program.ports.values()}
    return {job: f"{settings.host}:{port}" for job, port in ports.items() if job in job_names()}


def _prometheus(settings: StackSettings, scraped: list[Program]) -> list[Program]:
    if not installed("prometheus"):
        return []
    folder, port = settings.paths.prometheus, settings.prometheus_port
    targets = _targets(settings, scraped) | {"prometheus": f"{settings.host}:{port}"}
    files = json.dumps(render(targets, settings.ui_public_url))
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=15d",
        f"--web.listen-address={settings.bind_address}:{port}",
        f"--web.external-url=http://localhost:{port}",
    ]
    environment = {"CONFIGURATION": hashlib.sha256(files.encode()).hexdigest()}  # a change restarts it
    return [http_program(settings, "prometheus", "PROMETHEUS_PORT", command, "/-/ready", "", environment)]


def _alertmanager(settings: StackSettings) -> list[Program]:
    program, port = installed("prometheus-alertmanager", "alertmanager"), settings.alertmanager_port
    if program is None:
        return []
    command = [
        program,
        f"--config.file={ALERTMANAGER_CONFIGURATION}",
        f"--storage.path={settings.paths.alertmanager / 'data'}",
        f"--web.listen-address={settings.bind_address}:{port}",
        f"--web.external-url=http://localhost:{port}",
        "--cluster.listen-address=",  # a single instance: no gossip port
    ]
    configuration = ALERTMANAGER_CONFIGURATION.read_bytes()
    environment = {"CONFIGURATION": hashlib.sha256(configuration).hexdigest()}  # a change restarts it
    return [http_program(settings, "alertmanager", "ALERTMANAGER_PORT", command, "/-/ready", "", environment)]


def _postgres_exporters(settings: StackSettings) -> list[Program]:
    program = installed(*POSTGRES_EXPORTERS)
    if program is None:
        return []
    servers = {
        "postgres": (settings.postgres_port, settings.postgres_exporter_port),
        "mlflow-postgres": (settings.mlflow_postgres_port, settings.mlflow_postgres_exporter_port),
    }
    return [
        http_program(
            settings,
            f"{server}-exporter",
            f"{server.upper().replace('-', '_')}_EXPORTER_PORT",
            [program, f"--web.listen-address={settings.bind_address}:{port}", *_exporter_options(program)],
            "/metrics",
            environment={
                "DATA_SOURCE_URI": f"127.0.0.1:{database_port}/postgres?sslmode=disable",
                "DATA_SOURCE_USER": MONITOR,
            },
            secret_environment={"DATA_SOURCE_PASS": f"{{{server.replace('-', '_')}_monitor_password}}"},
        )
        for server, (database_port, port) in servers.items()
    ]


@cache
def _exporter_options(program: str) -> tuple[str, ...]:
    """Debian 12's exporter reads a table that PostgreSQL 17 has moved, and logs an error at every scrape."""
    usage = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return ("--no-collector.bgwriter",) if "--collector.bgwriter" in usage.stdout + usage.stderr else ()


def _node_exporter(settings: StackSettings) -> list[Program]:
    program = installed(*NODE_EXPORTERS)
    if program is None:
        return []
    listen = f"--web.listen-address={settings.bind_address}:{settings.node_exporter_port}"
    collectors = [f"--collector.{name}" for name in ("cpu", "filesystem", "loadavg", "meminfo")]
    command = [program, listen, "--collector.disable-defaults", *collectors]
    return [http_program(settings, "node-exporter", "NODE_EXPORTER_PORT", command, "/metrics")]


def _grafana(settings: StackSettings) -> list[Program]:
    program = installed("grafana", "grafana-server")
    home = next((path for path in GRAFANA_HOMES if Path(path).is_dir()), None)
    if program is None or home is None:
        return []
    server = [program, *(["server"] if program.endswith("grafana") else []), f"--homepath={home}"]
    command = ["sh", str(GRAFANA_FILES / "start.sh"), *server]
    file = read_settings(os.environ, ROOT / ".env").get("GRAFANA_PASSWORD_FILE")
    environment = {
        "GF_PATHS_HOME": home,
        "GF_SERVER_HTTP_ADDR": settings.bind_address,
        "GF_SERVER_HTTP_PORT": str(settings.grafana_port),
        "GF_PATHS_DATA": str(settings.paths.grafana),
        "GF_PATHS_LOGS": str(settings.paths.logs / "grafana"),
        "GF_PATHS_PROVISIONING": str(GRAFANA_FILES / "provisioning"),
        "GF_SECURITY_ADMIN_USER": settings.grafana_user,
        **(
            {"GRAFANA_PASSWORD_FILE": str(ROOT / file)}
            if file
            else {"GF_SECURITY_ADMIN_PASSWORD": settings.grafana_password.get_secret_value()}
        ),
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "PROMETHEUS_URL": settings.url(settings.prometheus_port),
        "ALERTMANAGER_URL": settings.url(settings.alertmanager_port),
        "DASHBOARDS_DIR": str(GRAFANA_FILES / "dashboards"),
    }
    return [http_program(settings, "grafana", "GRAFANA_PORT", command, "/api/health", "", environment)]
