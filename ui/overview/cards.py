"""Cards of the services: what each is for, its state, and its address in a browser."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ui.clients.airflow import AirflowHealth, ComponentHealth
from ui.clients.errors import NoModelYet, ServiceError, TimedOut, Unreachable
from ui.clients.service_health import ScrapeStatus, ServicesHealth
from ui.i18n.language import _
from ui.i18n.wording import error_text
from ui.settings import UiSettings


class State(StrEnum):
    """State of a service."""

    RUNNING = "running"
    INCOMPLETE = "incomplete"
    DOWN = "down"
    UNKNOWN = "unknown"


class Status(NamedTuple):
    """A state, its name on the card, and what to do about it."""

    state: State
    name: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One service."""

    name: str
    icon: str
    purpose: str
    status: Status
    url: str


def cards(health: ServicesHealth, settings: UiSettings) -> tuple[Card, ...]:
    """The services with a web interface."""
    alertmanager, grafana = (_observed_status(health.scraped, job) for job in ("alertmanager", "grafana"))
    platform = (
        ("MLflow", "inventory_2", _("Stores training runs and models."), _status(health.mlflow)),
        ("Airflow", "account_tree", _("Ingests data, trains and monitors the model."), _airflow_status(health.airflow)),
        ("Prometheus", "monitoring", _("Collects metrics and raises alerts."), _status(health.prometheus)),
        ("Alertmanager", "notifications", _("Sends and silences alerts."), alertmanager),
        ("Grafana", "dashboard", _("Shows the metrics as dashboards."), grafana),
        ("Locust", "speed", _("Runs load tests of the API."), _status(health.locust)),
    )
    purpose, docs = _("Predicts risks, for one patient or for a file."), f"{settings.api_public_url.rstrip('/')}/docs"
    return (
        Card(_("Prediction API"), "api", purpose, _status(health.api), docs),
        *(Card(*card, getattr(settings, f"{card[0].lower()}_public_url")) for card in platform),
    )


def _status(result: object) -> Status:
    match result:
        case NoModelYet():
            return Status(State.INCOMPLETE, _("no model yet"), _("It answers, and waits for a first model."))
        case Unreachable():
            return Status(State.DOWN, _("not reached"), error_text(result))
        case TimedOut():
            return Status(State.DOWN, _("too slow"), error_text(result))
        case ServiceError():
            return Status(State.DOWN, _("answers with an error"), error_text(result))
    return Status(State.RUNNING, _("running"))


def _airflow_status(health: AirflowHealth | ServiceError) -> Status:
    if isinstance(health, ServiceError):
        return _status(health)
    unhealthy = [name for name, part in airflow_parts(health).items() if part is None or not part.is_healthy]
    if not unhealthy:
        return _status(health)
    text = _("It answers, but no DAG runs without this part: {parts}. Its log gives the reason.")
    return Status(State.INCOMPLETE, _("partly running"), text.format(parts=", ".join(unhealthy)))


def airflow_parts(health: AirflowHealth) -> dict[str, ComponentHealth | None]:
    """The parts of Airflow that a run needs, by name."""
    return {
        _("database"): health.metadatabase,
        _("scheduler"): health.scheduler,
        _("DAG processor"): health.dag_processor,
    }


def _observed_status(watched: ScrapeStatus | ServiceError, job: str) -> Status:
    """Status of a service that only Prometheus observes."""
    if isinstance(watched, ServiceError):
        return Status(State.UNKNOWN, _("not known"), _("Prometheus, which observes it, does not answer."))
    match watched.up.get(job):
        case True:
            return Status(State.RUNNING, _("running"))
        case False:
            text = _("Prometheus cannot reach it: check that it is running.")
            return Status(State.DOWN, _("not reached"), text)
    return Status(State.UNKNOWN, _("not observed"), _("It is not included in this installation."))


def background_services(watched: ScrapeStatus) -> dict[str, bool]:
    """Services without a card, by name; whether each answers Prometheus."""
    names = {
        "postgres": _("PostgreSQL of data and Airflow"),
        "mlflow-postgres": _("PostgreSQL of MLflow"),
        "exporter": _("Exporter"),
        "streamlit": _("This interface"),
        "node": _("The machine"),
        "cadvisor": _("Containers"),
    }
    with_card = {"api", "prometheus", "alertmanager", "grafana", "locust"}
    return {names.get(job, job): up for job, up in sorted(watched.up.items()) if job not in with_card}
