"""What if one field were different: the risk before and after, without touching the form.

The API is asked for an explanation, since that is not logged as a prediction: a question about a patient that does
not exist must not reach the figures of monitoring.
"""

from collections.abc import Mapping

import streamlit as st

from ml.schema import BY_NAME, FEATURE_NAMES, UNKNOWN
from ui import bands, services
from ui.clients.errors import ServiceError
from ui.i18n.language import _, percent
from ui.i18n.wording import label_of, plain
from ui.predict import fields
from ui.predict.contributions import points
from ui.predict.result import Result
from ui.predict.result_panel import draw_fault


@st.fragment
def draw(result: Result) -> None:
    """Choose a field and another value; only this part of the page runs again."""
    st.subheader(_("What if"))
    name = st.selectbox(
        _("Change one field"),
        FEATURE_NAMES,
        index=None,
        format_func=lambda name: label_of(BY_NAME[name]),
        placeholder=_("Choose a field"),
        key="what-if-field",
    )
    if name is None:
        st.markdown(_("Choose a field to see how the risk would move if only that were different."))
        return
    column = BY_NAME[name]
    # A key per result: the next prediction starts from its own values.
    key = f"what-if-{result.prediction.request_id}-{name}"
    given = result.record.get(name)
    st.session_state.setdefault(key, fields.empty(column) if given is None else given)
    fields.draw(column, key)
    value = fields.entered(column, key)
    if value == given:
        text = _("It is as in the prediction: {value}. Choose another value.")
        st.markdown(text.format(value=plain(fields.text(column, UNKNOWN if given is None else given))))
        return
    others = {other: known for other, known in result.record.items() if other != name}
    _compare(result, others if value is None else {**others, name: value})


def _compare(result: Result, changed: Mapping[str, str | int]) -> None:
    with st.spinner(_("Asking the model…")):
        answer = services.outcome(lambda: services.api().explain(changed))
    if isinstance(answer, ServiceError):
        draw_fault(answer)
        return
    if answer.model.version != result.prediction.model.version:
        st.info(_("The model has changed since: press **Predict** again."), icon=":material/sync:")
        return
    before, after = result.risk, answer.explanations[0].probability
    st.metric(
        _("Risk with this change"),
        percent(after),
        points(after - before),
        delta_color="off",
        delta_arrow="down" if after < before else "up" if after > before else "off",
    )
    text = _("Before {before}, after {after}.").format(before=percent(before), after=percent(after))
    st.markdown(f"{text} {_band(result, after)}")
    note = _("It is the risk of another patient who differs in this alone, not the effect of a treatment.")
    st.markdown(f":small[{note}]")


def _band(result: Result, after: float) -> str:
    if result.model is None:
        return ""
    band = bands.band_of(after, result.model.risk_quantiles)
    if band == bands.band_of(result.risk, result.model.risk_quantiles):
        return _("The band stays the same.")
    return _("The band becomes: {band} of the cohort.").format(band=band.name)
