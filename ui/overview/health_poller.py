"""Health of all services, polled at most every few seconds for all sessions together."""

from typing import Final

import streamlit as st

from ui import services
from ui.clients.service_health import HealthChecker, ServicesHealth

FRESH_SECONDS: Final = 4


@st.cache_resource(show_spinner=False, on_release=HealthChecker.close)
def _poller() -> HealthChecker:
    settings = services.settings()
    return HealthChecker(
        api=settings.api_url,
        mlflow=settings.mlflow_tracking_uri,
        airflow=settings.airflow_url,
        prometheus=settings.prometheus_url,
        locust=settings.locust_url,
    )


@st.cache_resource(ttl=FRESH_SECONDS, show_spinner=False)
def health() -> ServicesHealth:
    """Health of each service."""
    return _poller().check()
