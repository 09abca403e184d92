"""Prediction page: a form, the result beside it, and below the explanation of the result."""

from collections.abc import Mapping
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ml.schema import BY_NAME
from ui import banners
from ui.clients.errors import Rejected
from ui.i18n.language import _
from ui.predict import address, error_view, examples, fields, result

PREDICT: Final = "predict"
"""Key of the button."""
_SUBMITTED: Final = "predict-was-pressed"


def _fill_form(record: Mapping[str, str | int]) -> None:
    """Fill in the form and remove the result of another record (a callback)."""
    fields.fill(record)
    result.clear()


def _draw_example(example: examples.Example) -> None:
    label = examples.title(example)
    st.button(label, icon=":material/person:", on_click=_fill_form, args=(example.record,), key=example.key)


def _draw_result(column: DeltaGenerator, is_submitted: bool) -> None:
    """Draw the result, after requesting it if the button was pressed."""
    # Importing the charts takes a second or two, once per process; the form is drawn before.
    from ui.predict import result_panel

    with column, st.container(key="result"):
        if is_submitted:
            with st.spinner(_("Computing the prediction…")):
                result.predict(fields.entries(), fields.excesses())
        result_panel.draw(result.last())


def _submit() -> None:
    """Remember the click (a callback).

    A click right after typing is sent together with the number, and reruns only the fields.
    """
    st.session_state[_SUBMITTED] = True


def _draw_predict_button(place: DeltaGenerator, is_ready: bool = True) -> None:
    place.button(
        _("Predict"),
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not is_ready,
        on_click=_submit,
        key=PREDICT if is_ready else "predict-soon",
    )


@st.fragment
def _draw_fields() -> None:
    """Draw the fields; a change reruns only them, unless it changes whether the result is of the present entries."""
    if _SUBMITTED in st.session_state:
        st.rerun()
    for place, name in zip(st.columns(len(fields.FIRST)), fields.FIRST, strict=True):
        with place:
            fields.draw(BY_NAME[name], fields.key_of(name), persist="session")
    for group, columns in fields.further_groups().items():
        # Its label never changes: Streamlit would take it for another expander, and close it.
        with st.expander(_(group), key=fields.group_key(group), on_change="rerun"):
            fields.draw_group(group, columns)
    if counts := fields.filled_in():
        st.markdown(f":small[{counts}]")
    address.write()
    if result.compare_with(fields.entries()):
        st.rerun()


def _draw_form() -> None:
    inputs, button = st.container(), st.empty()
    # A button pressed before the browser has all values would send the form without the later ones.
    if fields.pop_filled():
        _draw_predict_button(button, is_ready=False)
    with inputs:
        _draw_fields()
    _draw_predict_button(button)


def _draw_page() -> None:
    address.load()
    form_column, result_column = st.columns([3, 2], gap="large")
    is_submitted = bool(st.session_state.pop(_SUBMITTED, False))
    has_result = is_submitted or result.last() is not None
    if has_result:  # before the form, which takes longer to draw and is on the screen already
        _draw_result(result_column, is_submitted)
    latest = result.last()
    if is_submitted and isinstance(latest, Rejected):
        fields.open_groups([error.field for error in latest.errors])
    with form_column:
        st.subheader(_("Patient and stay"))
        with st.container(horizontal=True):
            _draw_example(examples.FIRST)
            with st.popover(_("More examples"), icon=":material/group:"):
                for further in examples.FURTHER:
                    _draw_example(further)
            st.button(_("Reset"), icon=":material/restart_alt:", on_click=_fill_form, args=({},), key="reset")
        _draw_form()
        if isinstance(latest, Rejected):
            error_view.draw(latest, fields.code_system())  # beside the button
    if not has_result:
        _draw_result(result_column, is_submitted)
    if isinstance(latest, result.Result):
        _draw_explanation(latest)


def _draw_explanation(latest: result.Result) -> None:
    """Draw contributions, what-if analysis, the risk over one field and the most informative unknown fields."""
    from ui.predict import contributions, reliability_panel
    from ui.predict.what_if import changes, curve

    st.divider()
    left, right = st.columns([3, 2], gap="large")
    with right:
        with st.container(key="what-if"):
            changes.draw(latest)
        reliability_panel.draw_unknown_fields(latest)
    with left:  # last, because it requires a further request
        contributions.draw(latest)
        with st.container(key="risk-curve"):
            curve.draw(latest)


state = banners.header(_("30-day readmission risk"))
banners.unavailable(state)
if not state.has_no_model:
    _draw_page()
