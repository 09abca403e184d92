"""Prometheus exporter for Airflow, MLflow and the diabetes database; metrics of our own services belong to them.

Neither Airflow nor MLflow has an endpoint that reports whether its parts work: Airflow's own metrics lose the
counters of short-lived task processes, and MLflow's health page does not read its database.
"""
