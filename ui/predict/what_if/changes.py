"""What-if analysis: the risk if some fields had other values.

It requests an explanation instead of a prediction: the API does not log explanations, so hypothetical records do not
enter the monitoring.
"""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from ml.schema import BY_NAME, FEATURE_NAMES, UNKNOWN
from ml.schema.marginals import CONSTANT
from ui import cohort, services
from ui.clients.errors import ServiceError, result_or_error
from ui.i18n.language import _, counted, percent
from ui.i18n.wording import escape, label_of
from ui.predict import error_view, fields, result_panel
from ui.predict.contributions import points
from ui.predict.result import Result

FIELDS: Final = tuple(name for name in FEATURE_NAMES if name not in CONSTANT)
"""Fields that can change a risk."""


@st.fragment
def draw(result: Result) -> None:
    """Draw the inputs and the comparison; a change reruns only this fragment."""
    st.subheader(_("What if"))
    labels = {name: label_of(BY_NAME[name]) for name in FIELDS}
    names = st.multiselect(
        _("Change fields"),
        FIELDS,
        format_func=labels.__getitem__,
        placeholder=_("Choose fields"),
        select_all=False,
        key="what-if-fields",
    )
    if not names:
        st.markdown(_("Choose one or more fields to see the risk if only their values were different."))
        return
    changed = dict(result.record)
    for name in names:
        value = _draw_field(result, name)
        changed.pop(name, None)
        if value is not None:
            changed[name] = value
    if changed == result.record:
        st.markdown(_("These are the values of the prediction. Choose others."))
        return
    _compare(result, changed, len(names))


def _draw_field(result: Result, name: str) -> fields.Value | None:
    """Draw a field, at first with the value of the prediction; returns the chosen value."""
    column, current, system = BY_NAME[name], result.record.get(name), result.entries.system
    # The key contains the request, so that the next prediction starts from its own values.
    key = f"what-if-{result.prediction.request_id}-{name}"
    st.session_state.setdefault(key, fields.empty_value(column) if current is None else current)
    fields.draw(column, key, system)
    if entered := fields.excess(column, key):
        st.markdown(fields.excess_text(column, entered))
    value = fields.value_of(column, key, system)
    if value != current:
        text = _("In the prediction: {value}")
        label = fields.value_text(column, UNKNOWN if current is None else current, system)
        st.markdown(f":small[{text.format(value=escape(label))}]")
    return value


def _compare(result: Result, changed: Mapping[str, fields.Value], count: int) -> None:
    system = result.entries.system
    with st.spinner(_("Computing the prediction…")):
        response = result_or_error(lambda: services.api().explain(changed, system=system))
    if isinstance(response, ServiceError):
        error_view.draw(response, system)
        return
    if response.model.version != result.prediction.model.version:
        st.info(_("The model has changed since: press **Predict** again."), icon=":material/sync:")
        return
    before, after = result.risk, response.explanations[0].probability
    st.metric(
        counted("Risk with this change", "Risk with these changes", count),
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
    note = _("This is the risk of another patient who differs only in this, not the effect of a treatment.")
    st.markdown(f":small[{note}]")


def _band(result: Result, after: float, changed: Mapping[str, fields.Value]) -> str:
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
