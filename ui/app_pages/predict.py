"""Predict: a short form, the result beside it, and below what stands behind the result."""

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ml.schema import BY_NAME
from ui import banners, services
from ui.i18n.language import _
from ui.predict import examples, fields, result

PREDICT = "predict"
"""Key of the button."""


def start_with(known: Mapping[str, str | int]) -> None:
    """Fill in the form; the result of another record goes (a callback)."""
    fields.fill(known)
    result.forget()


def example_button(example: examples.Example) -> None:
    """Fills in one example."""
    title = examples.title(example)
    st.button(title, icon=":material/person:", on_click=start_with, args=(example.known,), key=example.key)


def draw_answer(place: DeltaGenerator, is_asked: bool) -> None:
    """The result, asked for first where **Predict** was pressed."""
    # What draws charts takes a second or two to import, once per process: the form stands meanwhile.
    from ui.predict import result_panel

    with place, st.container(key="result"):
        if is_asked:
            with st.spinner(_("Asking the model…")):
                result.ask(fields.record())
        result_panel.draw(result.last())


def predict_button(place: DeltaGenerator, is_ready: bool = True) -> None:
    """Sends the form, once all of it stands there."""
    place.form_submit_button(
        _("Predict"),
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not is_ready,
        key=PREDICT if is_ready else "predict-soon",
    )


def draw_form() -> None:
    """The inputs of a patient and the stay."""
    with st.form("patient", border=False):
        inputs, button = st.container(), st.empty()
        # What is sent before the browser has the last field would leave the later ones out, without a word.
        if fields.were_filled():
            predict_button(button, is_ready=False)
        with inputs:
            for place, name in zip(st.columns(len(fields.FIRST)), fields.FIRST, strict=True):
                with place:
                    fields.draw(BY_NAME[name], fields.key_of(name), keep="session")
            for group, columns in fields.further_groups().items():
                with st.expander(f"{_(group)} ({len(columns)})"):
                    places = st.columns(2)
                    for position, column in enumerate(columns):
                        with places[position % 2]:
                            fields.draw(column, fields.key_of(column.name), keep="session")
        predict_button(button)


with st.spinner(_("Asking the services…")):
    picture = services.picture()
banners.header(_("30-day readmission risk"), picture)
banners.trouble(picture)
if picture.has_no_model:
    st.stop()

entry, answer = st.columns([3, 2], gap="large")
is_asked = bool(st.session_state.get(PREDICT))
has_answer = is_asked or result.last() is not None
if has_answer:  # before the form, which takes longer to draw and stands there already
    draw_answer(answer, is_asked)
with entry:
    st.subheader(_("Patient and stay"))
    with st.container(horizontal=True):
        example_button(examples.FIRST)
        with st.popover(_("More examples"), icon=":material/group:"):
            for further in examples.FURTHER:
                example_button(further)
        st.button(_("Reset"), icon=":material/restart_alt:", on_click=start_with, args=({},), key="reset")
    draw_form()
if not has_answer:
    draw_answer(answer, is_asked)

shown = result.last()
if isinstance(shown, result.Result):
    from ui.predict import contributions, reliability_panel, what_if

    st.divider()
    behind, beside = st.columns([3, 2], gap="large")
    with beside:
        with st.container(key="what-if"):
            what_if.draw(shown)
        reliability_panel.draw_more(shown.record, shown.prediction, shown.model)
    # Last, since it has to be asked for: everything else is there before.
    with behind:
        contributions.draw(shown)
