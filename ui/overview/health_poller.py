"""The glance at all services that every session on the Home page shares."""

from typing import Final

import streamlit as st

from ui import services
from ui.clients.service_health import HealthChecker, ServicesHealth, ServiceUrls

FRESH_SECONDS: Final = 4
"""How old a glance may be: many who look cost the services no more than one."""


@st.cache_resource(show_spinner=False)
def _lookout() -> HealthChecker:
    given = services.settings()
    return HealthChecker(
        ServiceUrls(
            api=given.api_url,
            mlflow=given.mlflow_tracking_uri,
            airflow=given.airflow_url,
            prometheus=given.prometheus_url,
            locust=given.locust_url,
        )
    )


@st.cache_resource(ttl=FRESH_SECONDS, show_spinner=False)
def glance() -> ServicesHealth:
    """How each service is."""
    return _lookout().check()


def look_again() -> None:
    """Forget the glance, so that the next look asks the services."""
    glance.clear()
