"""Steps to a first model with their states, and a button that lets an operator run both pipelines."""

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from ui import banners, operator, services
from ui.clients import airflow
from ui.clients.airflow import AirflowHealth, DagRun
from ui.clients.api_models import ServedModel
from ui.clients.errors import NoModelYet, Rejected, Service, ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.clients.service_health import ServicesHealth
from ui.health import health, linked
from ui.i18n.language import _, format_utc
from ui.i18n.wording import error_text, escape
from ui.overview.first_run import DAGS, INGEST, TRAIN, FirstRun, first_run
from ui.services import ServingState


@dataclass(frozen=True, slots=True)
class Step:
    """One step; ``done`` is None if that is not known."""

    title: str
    instructions: str
    done: bool | None


def is_needed(state: ServingState) -> bool:
    """Whether no model is served and the registry has no production version."""
    return not isinstance(state.served, ServedModel) and isinstance(state.registered, NoModelYet)


def steps(state: ServingState, current: ServicesHealth) -> Iterator[Step]:
    """The steps in their order."""
    is_running = isinstance(current.airflow, AirflowHealth) and current.airflow.scheduler.is_healthy
    start = _("Start it: `docker compose up -d`, or `make up` in the native stack.")
    yield Step(_("Airflow is running"), start, is_running)
    trained = isinstance(state.registered, RegisteredVersion)
    has_data = None if isinstance(current.scraped, ServiceError) else current.scraped.has_data
    text = _(
        "Open {dag}, switch it on at the top and press **Trigger**: it fetches the data, checks them and splits them "
        "by patient."
    )
    yield Step(_("Data are ingested"), text.format(dag=_linked(INGEST)), trained or has_data)
    text = _(
        "When that run is green, do the same with {dag}: it trains, checks and promotes the model. That takes some "
        "minutes."
    )
    yield Step(_("A model is in production"), text.format(dag=_linked(TRAIN)), trained)
    text = _("Nothing to do: the API loads the model within 15 seconds, and this page continues by itself.")
    yield Step(_("The API serves it"), text, isinstance(state.served, ServedModel))


def draw(state: ServingState) -> None:
    """The steps, then what an operator can start here."""
    with st.container(border=True):
        st.subheader(_("Get a first model"))
        _steps(state)
        st.markdown(f"**{_('Or run both pipelines from here')}**")
        if first_run().is_running:
            _progress(first_run())
        elif first_run().was_started:
            _dag_states(first_run())
            _result(first_run())
        if operator.key_form("home"):
            _start()
    banners.poll_for_change(state.fingerprint)


@st.fragment(run_every="10s")
def _steps(state: ServingState) -> None:
    found = steps(state, health())
    st.markdown("\n".join(_line(number, step) for number, step in enumerate(found, start=1)))


def _line(number: int, step: Step) -> str:
    marks = {
        True: f":material/check_circle: {_('done')}",
        False: f":material/radio_button_unchecked: {_('still to do')}",
        None: f":material/help: {_('not known')}",
    }
    head = f"{number}. **{step.title}** ({marks[step.done]})"
    return head if step.done else f"{head}  \n   {step.instructions}"


def _start() -> None:
    if not services.settings().airflow_interface_password.get_secret_value():
        text = _("The secret airflow_interface_password, the login of this interface to Airflow, is missing.")
        st.info(text, icon=":material/lock:")
    elif not first_run().is_running:
        label = _("Start again") if first_run().was_started else _("Ingest the data and train")
        st.button(label, type="primary", icon=":material/rocket_launch:", on_click=first_run().start, key="first-run")


@st.fragment(run_every="2s")
def _progress(run: FirstRun) -> None:
    if not run.is_running:
        services.refresh()
        st.rerun()
    _dag_states(run)
    st.markdown(f":small[{_('This continues when you leave the page.')}]")


def _dag_states(run: FirstRun) -> None:
    st.markdown("\n".join(f"- {_dag_state(dag, run.runs.get(dag))}" for dag in DAGS))


def _linked(dag: str) -> str:
    return linked(Service.AIRFLOW, escape(dag), f"/dags/{dag}")


def _dag_state(dag: str, run: DagRun | None) -> str:
    name = _linked(dag)
    if run is None:
        return _("{name}: :material/schedule: not started").format(name=name)
    if run.state == "running" and run.start_date:
        text = _("{name}: :material/progress_activity: running since {since}")
        return text.format(name=name, since=format_utc(run.start_date))
    ended = {
        airflow.SUCCESS: _("{name}: :material/check_circle: succeeded"),
        airflow.FAILED: _("{name}: :material/error: failed"),
    }
    return ended.get(run.state, _("{name}: :material/hourglass: queued")).format(name=name)


def _result(run: FirstRun) -> None:
    failed = next((one for one in run.runs.values() if one.state == airflow.FAILED), None)
    if isinstance(run.error, Rejected) and run.error.status == 401:
        text = _("Airflow did not accept the login of this interface, the secret airflow_interface_password.")
        st.error(text, icon=":material/lock:")
    elif isinstance(run.error, Rejected) and run.error.status == 404:
        text = _("Airflow does not know this pipeline yet: it reads its files within a minute after its start.")
        st.error(text, icon=":material/error:")
    elif run.error:
        st.error(escape(error_text(run.error)), icon=":material/error:")
    elif failed:
        text = _("{dag} failed at the task {task}: open its run in Airflow, its log ends with the reason.")
        if not run.failed_task:
            text = _("{dag} failed: open its run in Airflow for the reason.")
        st.error(text.format(dag=escape(failed.dag_id), task=escape(run.failed_task)), icon=":material/error:")
    elif run.has_succeeded:
        st.success(_("Both runs succeeded: the API loads the model within 15 seconds."), icon=":material/check:")
