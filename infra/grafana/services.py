"""The dashboard "Containers and services": availability and resource use of every service."""

from infra.grafana.dashboard import Dashboard, variable
from infra.grafana.limits import limit, scrape_timeout_seconds
from infra.grafana.panels import ORANGE, RED, UP_DOWN, share, stat, table, timeline, timeseries
from infra.grafana.promql import CPU_SHARE, rate

JOB = '{job=~"$job"}'
CONTAINER = '{name!="", name=~"$container"}'

OVERVIEW = (
    stat(
        "Services",
        "Whether each target answered the last scrape. The PostgreSQL servers, Airflow and MLflow are scraped through "
        "exporters.",
        (f"min by (job) (up{JOB})", "{{job}}"),
        mappings=UP_DOWN,
        width=16,
        height=5,
    ),
    stat(
        "Firing alerts",
        "Alerts that fire now. The table below lists them; Grafana's alerting pages have the first step for each.",
        ('count(ALERTS{alertstate="firing"}) or vector(0)', "firing"),
        thresholds=[(1, RED)],
        height=5,
    ),
    stat(
        "Services down",
        "Scrape targets that do not answer.",
        (f"count(up{JOB} == 0) or vector(0)", "down"),
        thresholds=[(1, RED)],
        height=5,
        alerts=["ServiceDown", "ApiDown"],
    ),
    timeline(
        "Services over time",
        "When each target answered (green) and when it did not (red).",
        (f"min by (job) (up{JOB})", "{{job}}"),
        UP_DOWN,
    ),
    table(
        "Alerts",
        "Firing and pending alerts. A pending alert fires when its condition has held for its waiting time.",
        "ALERTS",
        {
            "alertname": "Alert",
            "alertstate": "State",
            "severity": "Severity",
            "job": "Job",
            "dag_id": "DAG",
            "component": "Component",
            "name": "Container",
        },
    ),
)

CONTAINERS = (
    timeseries(
        "CPU by container",
        "Processor time from cAdvisor; 100 % is one core. Empty without Docker.",
        (rate("container_cpu_usage_seconds_total", by="name", where=CONTAINER), "{{name}}"),
        unit="percentunit",
    ),
    timeseries(
        "Memory by container",
        "Working set: memory that the kernel cannot reclaim and that counts against the limit. Empty without Docker.",
        (f"max by (name) (container_memory_working_set_bytes{CONTAINER})", "{{name}}"),
        unit="bytes",
        stacked=True,
    ),
    share(
        "Memory against limit",
        "Memory of each container as a share of its limit; at 100 % the kernel kills it.",
        (
            f"max by (name) (container_memory_working_set_bytes{CONTAINER})"
            f" / on (name) (max by (name) (container_spec_memory_limit_bytes{CONTAINER}) > 0)",
            "{{name}}",
        ),
        limits=[(limit("ContainerMemoryNearLimit"), RED)],
        alerts=["ContainerMemoryNearLimit"],
    ),
    timeseries(
        "Network by container",
        "Bytes received and sent per second.",
        (rate("container_network_receive_bytes_total", by="name", where=CONTAINER), "{{name}} received"),
        (rate("container_network_transmit_bytes_total", by="name", where=CONTAINER), "{{name}} sent"),
        unit="Bps",
    ),
    timeseries(
        "Restarts",
        "Restarts of each container within 15 minutes.",
        (f"sum by (name) (changes(container_start_time_seconds{CONTAINER}[15m]))", "{{name}}"),
        limits=[(limit("ContainerRestarting") + 1, RED)],  # the alert fires above its limit, and restarts are whole
        alerts=["ContainerRestarting"],
    ),
    timeseries(
        "Memory of processes",
        "Resident memory as the services report it; available with and without Docker.",
        (f"sum by (job) (process_resident_memory_bytes{JOB})", "{{job}}"),
        unit="bytes",
    ),
)

POSTGRES = (
    stat(
        "PostgreSQL",
        "Whether each server accepts connections.",
        ("min by (job) (pg_up)", "{{job}}"),
        mappings=UP_DOWN,
        height=8,
        alerts=["PostgresDown"],
    ),
    timeseries(
        "Connections",
        "Open connections by server and database.",
        ("sum by (job, datname) (pg_stat_database_numbackends) > 0", "{{job}} {{datname}}"),
        stacked=True,
        width=10,
        alerts=["PostgresConnectionsHigh"],
    ),
    share(
        "Share of connections in use",
        "Connections of all databases as a share of max_connections.",
        (
            "sum by (job) (pg_stat_database_numbackends) / on (job) max by (job) (pg_settings_max_connections)",
            "{{job}}",
        ),
        limits=[(limit("PostgresConnectionsHigh"), ORANGE)],
        width=10,
    ),
    timeseries(
        "Transactions",
        "Commits and rollbacks per second. Rollbacks that grow with the commits are failing statements.",
        (f"{rate('pg_stat_database_xact_commit', by='job, datname')} > 0", "{{job}} {{datname}} commit"),
        (f"{rate('pg_stat_database_xact_rollback', by='job, datname')} > 0", "{{job}} {{datname}} rollback"),
        unit="ops",
    ),
    timeseries(
        "Failed archiving of WAL",
        "Failed attempts per minute, with WAL_ARCHIVE_DIR; each server tries again every minute.",
        (f"60 * {rate('pg_stat_archiver_failed_count', by='job')}", "{{job}}"),
        alerts=["WalArchiveFailing"],
    ),
    timeseries(
        "Size of databases",
        "Bytes on disk by database.",
        ('max by (job, datname) (pg_database_size_bytes{datname!~"template.*"})', "{{job}} {{datname}}"),
        unit="bytes",
        stacked=True,
    ),
)

HOST = (
    share(
        "Processor of the machine",
        "Share of the processor time that is in use.",
        (CPU_SHARE, "{{instance}}"),
        width=8,
    ),
    share(
        "Memory of the machine",
        "Share of the memory that is in use.",
        ("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{instance}}"),
        limits=[(1 - limit("HostMemoryLow"), RED)],
        width=8,
        alerts=["HostMemoryLow"],
    ),
    share(
        "Disk left",
        "Share of each writable file system that is available.",
        ("host:disk_available:ratio", "{{mountpoint}}"),
        limits=[(limit("HostDiskLow"), ORANGE)],
        width=8,
        alerts=["HostDiskLow", "HostDiskFull"],
    ),
)

MONITORING = (
    stat("Streamlit sessions", "Open browser sessions of the user interface.", ("sum(active_sessions)", "sessions")),
    stat(
        "Notifications",
        "Notifications that Alertmanager sent in the last hour, to all receivers.",
        ("sum(increase(alertmanager_notifications_total[1h])) or vector(0)", "sent"),
        width=8,
    ),
    stat(
        "Notifications that failed",
        "Within ten minutes: dropped by Prometheus, or not accepted by a receiver of Alertmanager.",
        (
            "sum(increase(prometheus_notifications_dropped_total[10m]))"
            " + (sum(increase(alertmanager_notifications_failed_total[10m])) or vector(0))",
            "failed",
        ),
        thresholds=[(1, RED)],
        alerts=["NotificationsFailing"],
    ),
    stat(
        "Failed rule evaluations",
        "Within five minutes.",
        ("sum(increase(prometheus_rule_evaluation_failures_total[5m]))", "failures"),
        thresholds=[(1, RED)],
        alerts=["RuleEvaluationFailing"],
    ),
    stat(
        "Silent alerts",
        "Alerts that Alertmanager does not send because they are inhibited by another alert or silenced.",
        ('sum(alertmanager_alerts{state!="active"}) or vector(0)', "silent"),
    ),
    timeseries(
        "Scrape duration",
        "Duration of the scrape of each target; the limit is the scrape timeout.",
        (f"max by (job) (scrape_duration_seconds{JOB})", "{{job}}"),
        unit="s",
        limits=[(scrape_timeout_seconds(), RED)],
    ),
    timeseries(
        "Prometheus series",
        "Time series in Prometheus's memory. Steady growth means a label with unbounded values.",
        ("max(prometheus_tsdb_head_series)", "series"),
    ),
)

DASHBOARD = Dashboard(
    uid="services",
    title="Containers and services",
    description="Availability and resource use of every service.",
    variables=(
        variable("job", "Service", "Scrape jobs.", "label_values(up, job)"),
        variable(
            "container",
            "Container",
            "Containers; empty without Docker.",
            'label_values(container_memory_working_set_bytes{name!=""}, name)',
        ),
    ),
    rows=(
        ("Overview", OVERVIEW),
        ("The machine", HOST),
        ("Containers and processes", CONTAINERS),
        ("PostgreSQL", POSTGRES),
        ("User interface and watching", MONITORING),
    ),
)
