"""The dashboard "Containers and services": is everything up, and what does it cost."""

from infra.grafana.dashboard import Dashboard, Variable
from infra.grafana.panels import BLUE, ORANGE, RATE, RED, UP_DOWN, Query, stat, table, timeline, timeseries

NAMED = 'name!="", name=~"$container"'

OVERVIEW = (
    stat(
        "Services",
        "Whether each service answered Prometheus at the last scrape. Both PostgreSQL servers answer through their "
        "exporters, Airflow and MLflow through the platform's own.",
        "none",
        Query('min by (job) (up{job=~"$job"})', "{{job}}"),
        mappings=UP_DOWN,
        width=16,
        height=5,
    ),
    stat(
        "Firing alerts",
        "Alerts that fire now; the table below says which, and Grafana's alerting pages what to do first.",
        "short",
        Query('count(ALERTS{alertstate="firing"}) or vector(0)', "firing"),
        thresholds=[(1, RED)],
        height=5,
    ),
    stat(
        "Services down",
        "Scrape targets that do not answer. Alerts: ServiceDown and ApiDown.",
        "short",
        Query('count(up{job=~"$job"} == 0) or vector(0)', "down"),
        thresholds=[(1, RED)],
        height=5,
    ),
    timeline(
        "Services over time",
        "When each service answered (green) and did not (red).",
        Query('min by (job) (up{job=~"$job"})', "{{job}}"),
        mappings=UP_DOWN,
    ),
    table(
        "Alerts",
        "Firing and pending alerts. A pending alert fires when its condition holds for its waiting time.",
        "none",
        Query("ALERTS"),
        columns={
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
        "Processor time by cAdvisor; 100 % is one core. Empty without Docker.",
        "percentunit",
        Query(f"sum by (name) (rate(container_cpu_usage_seconds_total{{{NAMED}}}[$__rate_interval]))", "{{name}}"),
    ),
    timeseries(
        "Memory by container",
        "Working set: what the kernel cannot take back, and what counts against the limit. Empty without Docker.",
        "bytes",
        Query(f"max by (name) (container_memory_working_set_bytes{{{NAMED}}})", "{{name}}"),
        stacked=True,
    ),
    timeseries(
        "Memory against limit",
        "Share of its memory limit that a container uses; at 100 % the kernel ends it. Alert: "
        "ContainerMemoryNearLimit.",
        "percentunit",
        Query(
            f"max by (name) (container_memory_working_set_bytes{{{NAMED}}})"
            f" / on (name) (max by (name) (container_spec_memory_limit_bytes{{{NAMED}}}) > 0)",
            "{{name}}",
        ),
        limits=[(0.9, RED)],
        top=1,
    ),
    timeseries(
        "Network by container",
        "Bytes received and sent per second.",
        "Bps",
        Query(
            f"sum by (name) (rate(container_network_receive_bytes_total{{{NAMED}}}[$__rate_interval]))",
            "{{name}} received",
        ),
        Query(
            f"sum by (name) (rate(container_network_transmit_bytes_total{{{NAMED}}}[$__rate_interval]))",
            "{{name}} sent",
        ),
    ),
    timeseries(
        "Restarts",
        "Starts of each container within 15 minutes, beyond its first. Alert: ContainerRestarting.",
        "short",
        Query(f"sum by (name) (changes(container_start_time_seconds{{{NAMED}}}[15m]))", "{{name}}"),
        limits=[(3, RED)],
    ),
    timeseries(
        "Memory of processes",
        "Resident memory as the services report it themselves; there with and without Docker.",
        "bytes",
        Query('sum by (job) (process_resident_memory_bytes{job=~"$job"})', "{{job}}"),
    ),
)

POSTGRES = (
    stat(
        "PostgreSQL",
        "Whether each server takes connections. Alert: PostgresDown.",
        "none",
        Query("min by (job) (pg_up)", "{{job}}"),
        mappings=UP_DOWN,
        height=8,
    ),
    timeseries(
        "Connections",
        "Connections by server and database. The alert PostgresConnectionsHigh looks at their share of "
        "max_connections.",
        "short",
        Query("sum by (job, datname) (pg_stat_database_numbackends) > 0", "{{job}} {{datname}}"),
        stacked=True,
        width=10,
    ),
    timeseries(
        "Share of connections in use",
        "Connections of all databases against max_connections.",
        "percentunit",
        Query(
            "sum by (job) (pg_stat_database_numbackends) / on (job) max by (job) (pg_settings_max_connections)",
            "{{job}}",
        ),
        limits=[(0.8, ORANGE)],
        top=1,
        width=10,
    ),
    timeseries(
        "Transactions",
        "Commits and rollbacks per second. Rollbacks that grow with commits are failing statements.",
        "ops",
        Query(
            "sum by (job, datname) (rate(pg_stat_database_xact_commit[$__rate_interval])) > 0",
            "{{job}} {{datname}} commit",
        ),
        Query(
            "sum by (job, datname) (rate(pg_stat_database_xact_rollback[$__rate_interval])) > 0",
            "{{job}} {{datname}} rollback",
        ),
    ),
    timeseries(
        "Size of databases",
        "Bytes on disk by database.",
        "bytes",
        Query('max by (job, datname) (pg_database_size_bytes{datname!~"template.*"})', "{{job}} {{datname}}"),
        stacked=True,
    ),
)

HOST = (
    timeseries(
        "Processor of the machine",
        "Share of all processors' time that is used.",
        "percentunit",
        Query(f'1 - avg by (instance) (rate(node_cpu_seconds_total{{mode="idle"}}{RATE}))', "{{instance}}"),
        top=1,
        width=8,
    ),
    timeseries(
        "Memory of the machine",
        "Share of the memory that is used. Alert: HostMemoryLow.",
        "percentunit",
        Query("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{instance}}"),
        limits=[(0.92, RED)],
        top=1,
        width=8,
    ),
    timeseries(
        "Disk left",
        "Share of each file system that may still be written. Alerts: HostDiskLow and HostDiskFull.",
        "percentunit",
        Query("host:disk_available:ratio", "{{mountpoint}}"),
        limits=[(0.15, ORANGE)],
        top=1,
        width=8,
    ),
)

WATCHING = (
    stat(
        "Streamlit sessions",
        "Browsers with the user interface open.",
        "short",
        Query("sum(active_sessions)", "sessions"),
        base=BLUE,
    ),
    stat(
        "Notifications",
        "Notifications that Alertmanager sent in the last hour, to all receivers.",
        "short",
        Query("sum(increase(alertmanager_notifications_total[1h])) or vector(0)", "sent"),
        base=BLUE,
        width=8,
    ),
    stat(
        "Notifications that failed",
        "Within ten minutes: not taken by Alertmanager, or not by its receiver. Alert: NotificationsFailing.",
        "short",
        Query(
            "sum(increase(prometheus_notifications_dropped_total[10m]))"
            " + (sum(increase(alertmanager_notifications_failed_total[10m])) or vector(0))",
            "failed",
        ),
        thresholds=[(1, RED)],
    ),
    stat(
        "Failed rule evaluations",
        "Within five minutes. Alert: RuleEvaluationFailing.",
        "short",
        Query("sum(increase(prometheus_rule_evaluation_failures_total[5m]))", "failures"),
        thresholds=[(1, RED)],
    ),
    stat(
        "Silent alerts",
        "Alerts that Alertmanager knows and does not tell, since they follow from another or were silenced.",
        "short",
        Query('sum(alertmanager_alerts{state!="active"}) or vector(0)', "silent"),
        base=BLUE,
    ),
    timeseries(
        "Scrape duration",
        "How long Prometheus waits for each service's metrics; the time limit is 8 s.",
        "s",
        Query('max by (job) (scrape_duration_seconds{job=~"$job"})', "{{job}}"),
        limits=[(8, RED)],
    ),
    timeseries(
        "Prometheus series",
        "Time series in memory: what Prometheus costs. Steady growth is a label without bounds.",
        "short",
        Query("max(prometheus_tsdb_head_series)", "series"),
    ),
)

DASHBOARD = Dashboard(
    uid="services",
    title="Containers and services",
    description="Whether everything is up, and what each service costs.",
    variables=(
        Variable("job", "Service", "Scrape jobs shown in the overview.", "label_values(up, job)"),
        Variable(
            "container",
            "Container",
            "Containers shown; empty without Docker.",
            'label_values(container_memory_working_set_bytes{name!=""}, name)',
        ),
    ),
    rows=(
        ("Overview", OVERVIEW),
        ("The machine", HOST),
        ("Containers and processes", CONTAINERS),
        ("PostgreSQL", POSTGRES),
        ("User interface and watching", WATCHING),
    ),
)
