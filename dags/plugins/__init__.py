"""Plugins of Airflow, which its programs load at their start; no DAGs."""
