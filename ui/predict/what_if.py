"""What-if analysis: the risk if one field had another value.

It requests an explanation instead of a prediction: the API does not log explanations, so hypothetical records do not
enter the monitoring.
"""

from collections.abc import Mapping

import streamlit as st

from ml.schema import BY_NAME, FEATURE_NAMES, UNKNOWN
from ui import cohort, services
from ui.clients.errors import ServiceError, result_or_error
from ui.i18n.language import _, percent
from ui.i18n.wording import escape, label_of
from ui.predict import error_view, fields, result_panel
from ui.predict.contributions import points
from ui.predict.result import Result


@st.fragment
def draw(result: Result) -> None:
    """Draw the inputs and the comparison; a change reruns only this fragment."""
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
        st.markdown(_("Choose a field to see the risk if only its value were different."))
        return
    column, current = BY_NAME[name], result.record.get(name)
    # The key contains the request, so that the next prediction starts from its own values.
    key = f"what-if-{result.prediction.request_id}-{name}"
    st.session_state.setdefault(key, fields.empty_value(column) if current is None else current)
    fields.draw(column, key)
    value = fields.value_of(column, key)
    if entered := fields.excess(column, key):
        st.markdown(fields.excess_text(column, entered))
    if value == current:
        text = _("This is the value of the prediction: {value}. Choose another one.")
        label = fields.value_text(column, UNKNOWN if current is None else current)
        st.markdown(text.format(value=escape(label)))
        return
    others = {other: known for other, known in result.record.items() if other != name}
    _compare(result, others if value is None else {**others, name: value})


def _compare(result: Result, changed: Mapping[str, str | int]) -> None:
    with st.spinner(_("Computing the prediction…")):
        response = result_or_error(lambda: services.api().explain(changed))
    if isinstance(response, ServiceError):
        error_view.draw(response)
        return
    if response.model.version != result.prediction.model.version:
        st.info(_("The model has changed since: press **Predict** again."), icon=":material/sync:")
        return
    before, after = result.risk, response.explanations[0].probability
    st.metric(
        _("Risk with this change"),
        percent(after),
        points(after - before),
        delta_color="off",
        delta_arrow="down" if after < before else "up" if after > before else "off",
    )
    text = _("Before {before}, after {after}.").format(before=percent(before), after=percent(after))
    if response.explanations[0].outside_population:
        st.markdown(text)
        result_panel.outside_population()
    else:
        st.markdown(f"{text} {_band(result, after, changed)}")
    note = _("This is the risk of another patient who differs only in this field, not the effect of a treatment.")
    st.markdown(f":small[{note}]")


def _band(result: Result, after: float, changed: Mapping[str, str | int]) -> str:
    """How the band changes; empty if either record holds too little for a rank."""
    known = (result.known - result.record.keys()) | changed.keys()
    if (
        result.model is None
        or result.prediction.outside_population[0]
        or not (result.has_rank(result.known) and result.has_rank(known))
    ):
        return ""
    band = cohort.band_of(after, result.model.risk_quantiles)
    if band == cohort.band_of(result.risk, result.model.risk_quantiles):
        return _("The band stays the same.")
    return _("The band becomes: {band} of the test encounters.").format(band=band)
