"""Health of all services, polled at most every few seconds for all sessions, and links to those that answer."""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from ui import services
from ui.clients.errors import NoModelYet, Service, ServiceError
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


def answers(service: Service) -> bool:
    """Whether a service answers; of Grafana and Alertmanager only Prometheus knows."""
    current = health()
    if service in (Service.GRAFANA, Service.ALERTMANAGER):
        return not isinstance(current.scraped, ServiceError) and current.scraped.up.get(service.value.lower(), False)
    checks: Mapping[Service, object] = {
        Service.API: current.api,
        Service.MLFLOW: current.mlflow,
        Service.AIRFLOW: current.airflow,
        Service.PROMETHEUS: current.prometheus,
        Service.LOCUST: current.locust,
    }
    result = checks[service]
    return isinstance(result, NoModelYet) or not isinstance(result, ServiceError)


def address(service: Service) -> str:
    """Address of a service for a browser; empty if it does not answer."""
    name = "api" if service is Service.API else service.value.lower()
    return str(getattr(services.settings(), f"{name}_public_url")).rstrip("/") if answers(service) else ""


def link(service: Service, label: str, path: str, icon: str) -> None:
    """A button that opens a page of a service; nothing if the service does not answer."""
    if base := address(service):
        st.link_button(label, f"{base}{path}", icon=f":material/{icon}:")


def linked(service: Service, name: str, path: str) -> str:
    """A name in Markdown, as a link to a page of a service that answers."""
    base = address(service)
    return f"[{name}]({base}{path})" if base else name
