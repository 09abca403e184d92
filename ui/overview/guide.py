"""How a first model comes about: the steps with their states, and a button for those who may press it."""

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from ui import banners, operator, services
from ui.clients.airflow import AirflowHealth
from ui.clients.api_models import ServedModel
from ui.clients.errors import NoModelYet, ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.clients.service_health import ServicesHealth
from ui.i18n.language import _
from ui.overview import progress
from ui.overview.first_run import INGEST, TRAIN, first_run
from ui.overview.health_poller import glance
from ui.services import ServingState


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; ``done`` is None where that cannot be seen from here."""

    title: str
    how: str
    done: bool | None


def is_needed(picture: ServingState) -> bool:
    """Whether there is no production model, or none that is known of."""
    return not isinstance(picture.served, ServedModel) and isinstance(picture.registered, NoModelYet)


def steps(picture: ServingState, seen: ServicesHealth, airflow_url: str) -> Iterator[Step]:
    """The way to a first model."""
    at = airflow_url.rstrip("/")
    health = seen.airflow
    runs = isinstance(health, AirflowHealth) and health.scheduler.is_healthy
    yield Step(_("Airflow runs"), _("Open [Airflow]({at}) and log in.").format(at=at), runs)
    trained = isinstance(picture.registered, RegisteredVersion)
    has_data = None if isinstance(seen.scraped, ServiceError) else seen.scraped.has_data
    text = _(
        "Open [{dag}]({at}/dags/{dag}), switch it on at the top and press **Trigger**: it fetches the data, "
        "checks them and splits them by patient."
    )
    yield Step(_("Data are there"), text.format(dag=INGEST, at=at), trained or has_data)
    text = _(
        "When that run is green, do the same with [{dag}]({at}/dags/{dag}): it trains, checks and promotes the model. "
        "That takes some minutes."
    )
    yield Step(_("A model is in production"), text.format(dag=TRAIN, at=at), trained)
    text = _("Nothing to do: it takes the model up within 15 seconds, and this page goes on by itself.")
    yield Step(_("The API answers with it"), text, isinstance(picture.served, ServedModel))


def draw(picture: ServingState) -> None:
    """The steps, then what may be done from here."""
    with st.container(border=True):
        st.subheader(_("Get a first model"))
        _steps(picture)
        st.markdown(f"**{_('Or let this page do it')}**")
        if first_run().was_started:
            progress.draw(first_run())
        if operator.key_form("home"):
            _start()
    banners.poll_for_change(picture.fingerprint)


@st.fragment(run_every="10s")
def _steps(picture: ServingState) -> None:
    found = steps(picture, glance(), services.settings().airflow_public_url)
    st.markdown("\n".join(_line(number, step) for number, step in enumerate(found, start=1)))


def _line(number: int, step: Step) -> str:
    match step.done:
        case True:
            mark, how = f":material/check_circle: {_('done')}", ""
        case False:
            mark, how = f":material/radio_button_unchecked: {_('still to do')}", step.how
        case None:
            mark, how = f":material/help: {_('cannot be seen from here')}", step.how
    head = f"{number}. **{step.title}** ({mark})"
    return f"{head}  \n   {how}" if how else head


def _start() -> None:
    if not services.settings().airflow_password.get_secret_value():
        text = _("Set AIRFLOW_PASSWORD to the password of Airflow, and start the interface again.")
        st.info(text, icon=":material/lock:")
        return
    if first_run().is_running:
        return
    label = _("Start again") if first_run().was_started else _("Ingest the data and train")
    st.button(label, type="primary", icon=":material/rocket_launch:", on_click=first_run().start, key="first-run")
