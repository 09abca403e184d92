"""The runs of a first model as they go on; it renews itself, and ends with them."""

import streamlit as st

from ui import services
from ui.clients import airflow
from ui.clients.airflow import DagRun
from ui.clients.errors import Rejected
from ui.i18n.language import _, format_utc
from ui.i18n.wording import error_text, escape
from ui.overview.first_run import DAGS, FirstRun


def draw(run: FirstRun) -> None:
    """Live while it is under way, at rest when it has ended."""
    if run.is_running:
        _live(run)
    else:
        _states(run)
        _ending(run)


@st.fragment(run_every="2s")
def _live(run: FirstRun) -> None:
    if not run.is_running:
        services.refresh()
        st.rerun()
    _states(run)
    st.markdown(f":small[{_('This goes on when you leave the page.')}]")


def _states(run: FirstRun) -> None:
    lines = [f"- {_state(dag, run.runs.get(dag))}" for dag in DAGS]
    st.markdown("\n".join(lines))


def _state(dag: str, seen: DagRun | None) -> str:
    name = f"[{escape(dag)}]({services.settings().airflow_public_url.rstrip('/')}/dags/{dag})"
    if seen is None:
        return _("{name}: :material/schedule: to come").format(name=name)
    match seen.state:
        case airflow.SUCCESS:
            text = _("{name}: :material/check_circle: ended well")
        case airflow.FAILED:
            text = _("{name}: :material/error: failed")
        case "running" if seen.start_date:
            text = _("{name}: :material/progress_activity: runs since {since}")
            return text.format(name=name, since=format_utc(seen.start_date))
        case _:
            text = _("{name}: :material/hourglass: waits for its turn")
    return text.format(name=name)


def _ending(run: FirstRun) -> None:
    failed = next((seen for seen in run.runs.values() if seen.state == airflow.FAILED), None)
    if isinstance(run.error, Rejected) and run.error.status == 401:
        text = _("Airflow did not accept the login of this interface: set AIRFLOW_USER and AIRFLOW_PASSWORD right.")
        st.error(text, icon=":material/lock:")
    elif isinstance(run.error, Rejected) and run.error.status == 404:
        text = _("Airflow does not know this pipeline yet: it reads its files within a minute after its start.")
        st.error(text, icon=":material/error:")
    elif run.error:
        st.error(escape(error_text(run.error)), icon=":material/error:")
    elif failed:
        text = _("{dag} failed at the step {task}: open its run in Airflow, its log ends with the reason.")
        if not run.failed_task:
            text = _("{dag} failed: open its run in Airflow for the reason.")
        st.error(text.format(dag=escape(failed.dag_id), task=escape(run.failed_task)), icon=":material/error:")
    elif run.has_succeeded:
        st.success(_("Both runs ended well: the API takes the model up within 15 seconds."), icon=":material/check:")
