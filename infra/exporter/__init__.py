"""A small Prometheus exporter: what Airflow 3 and MLflow say over REST, and our own tables, as metrics.

Neither service has a Prometheus endpoint that tells whether its parts work and how its runs ended
(Airflow's own metrics lose the counters of short-lived task processes, MLflow's health page never touches its
database), so this one process asks both at each scrape, and the
``diabetes`` database for what ingestion, gate and monitoring wrote there. Run it by ``python -m infra.exporter``.
"""
