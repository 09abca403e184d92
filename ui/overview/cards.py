"""What is known of each service, in words: the state, what it is for, and where a browser opens it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ui.clients.airflow import AirflowHealth, ComponentHealth
from ui.clients.errors import NoModelYet, ServiceError, TimedOut, Unreachable
from ui.clients.service_health import ScrapeStatus, ServicesHealth
from ui.i18n.language import _
from ui.i18n.wording import error_text
from ui.settings import UiSettings


class State(StrEnum):
    """How a service is."""

    RUNNING = "running"
    INCOMPLETE = "incomplete"
    AWAY = "away"
    UNWATCHED = "unwatched"


@dataclass(frozen=True, slots=True)
class Card:
    """One service as it is shown."""

    name: str
    icon: str
    purpose: str
    url: str
    state: State
    words: str
    """The state in a word or three."""
    more: str = ""
    """What to do about it, where there is something to do."""


def cards(glance: ServicesHealth, given: UiSettings) -> Iterator[Card]:
    """The services a person opens, in the order of the work."""
    yield _card(
        glance.api,
        _("Prediction API"),
        ":material/api:",
        _("Answers with risks, one patient or a file at a time."),
        f"{given.api_public_url.rstrip('/')}/docs",
    )
    yield _card(
        glance.mlflow,
        "MLflow",
        ":material/inventory_2:",
        _("Keeps every training run and the registry of models."),
        given.mlflow_public_url,
    )
    yield _airflow(glance.airflow, given)
    yield _card(
        glance.prometheus,
        "Prometheus",
        ":material/monitoring:",
        _("Collects the figures of all services and raises alerts."),
        given.prometheus_public_url,
    )
    yield _grafana(glance.scraped, given)
    yield _card(
        glance.locust,
        "Locust",
        ":material/speed:",
        _("Puts the API under load, to see what it bears. Not needed for anything else."),
        given.locust_public_url,
    )


def _card(said: object, name: str, icon: str, purpose: str, url: str) -> Card:
    match said:
        case NoModelYet():
            more = _("It answers, and waits for a first model.")
            return Card(name, icon, purpose, url, State.INCOMPLETE, _("no model yet"), more)
        case ServiceError():
            return Card(name, icon, purpose, url, State.AWAY, _away(said), error_text(said))
    return Card(name, icon, purpose, url, State.RUNNING, _("running"))


def _away(error: ServiceError) -> str:
    match error:
        case Unreachable():
            return _("not reached")
        case TimedOut():
            return _("too slow")
    return _("answers with a fault")


def _airflow(said: AirflowHealth | ServiceError, given: UiSettings) -> Card:
    card = _card(
        said,
        "Airflow",
        ":material/account_tree:",
        _("Brings in data, trains, checks and watches the model, by schedule or by hand."),
        given.airflow_public_url,
    )
    if isinstance(said, ServiceError):
        return card
    ill = [name for name, part in airflow_parts(said).items() if part is None or not part.is_healthy]
    if not ill:
        return card
    text = _("It answers, but nothing runs while this part is away: {parts}. Its log tells why.")
    more = text.format(parts=", ".join(ill))
    return Card(card.name, card.icon, card.purpose, card.url, State.INCOMPLETE, _("partly running"), more)


def airflow_parts(said: AirflowHealth) -> dict[str, ComponentHealth | None]:
    """The parts of Airflow that a run needs, by the words for them."""
    return {
        _("database"): said.metadatabase,
        _("scheduler"): said.scheduler,
        _("DAG processor"): said.dag_processor,
    }


def _grafana(watched: ScrapeStatus | ServiceError, given: UiSettings) -> Card:
    name, icon, purpose = "Grafana", ":material/dashboard:", _("Shows the figures of Prometheus as dashboards.")
    url = given.grafana_public_url
    if isinstance(watched, ServiceError):
        more = _("Prometheus would tell, and does not answer.")
        return Card(name, icon, purpose, url, State.UNWATCHED, _("not known"), more)
    match watched.up.get("grafana"):
        case True:
            return Card(name, icon, purpose, url, State.RUNNING, _("running"))
        case False:
            more = _("Prometheus cannot reach it: check that it is running.")
            return Card(name, icon, purpose, url, State.AWAY, _("not reached"), more)
    more = _("It is not part of this way of running.")
    return Card(name, icon, purpose, url, State.UNWATCHED, _("not watched"), more)


def behind(watched: ScrapeStatus) -> dict[str, bool]:
    """What nobody opens, by the words for it; whether it answers."""
    names = {
        "postgres": _("PostgreSQL of data and Airflow"),
        "mlflow-postgres": _("PostgreSQL of MLflow"),
        "exporter": _("Exporter"),
        "streamlit": _("This interface"),
        "alertmanager": "Alertmanager",
        "notices": _("Notices of alerts"),
        "node": _("The machine"),
        "cadvisor": _("Containers"),
    }
    shown = {"api", "prometheus", "grafana", "locust"}
    return {names.get(job, job): up for job, up in sorted(watched.up.items()) if job not in shown}
