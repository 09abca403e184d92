"""The risk of the patient over all values of one field, as chart and table; one request of the API."""

from collections.abc import Mapping, Sequence
from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from ml.schema import BY_NAME, Column, Kind
from ml.schema.code_systems import CodeSystem
from ui import charts, services
from ui.clients.api_models import ExplainResponse
from ui.clients.errors import ServiceError, result_or_error
from ui.i18n.language import _, current_language, percent
from ui.i18n.wording import escape, label_of
from ui.predict import error_view, fields
from ui.predict.result import Result
from ui.predict.what_if.changes import FIELDS
from ui.predict.what_if.values import Value, values_of

_CACHE: Final = "risk-curve"
_ROW: Final = 26
"""Pixels of a value that is not a number."""
_HEIGHT: Final = 240


@st.fragment
def draw(result: Result) -> None:
    """Draw the choice of the field and the curve; a change reruns only this fragment."""
    st.subheader(_("The risk over one field"))
    names = [name for name in FIELDS if BY_NAME[name].kind is not Kind.ICD9 or result.entries.system is CodeSystem.ICD9]
    labels = {name: label_of(BY_NAME[name]) for name in names}
    name = st.selectbox(
        _("Field"),
        names,
        index=None,
        format_func=labels.__getitem__,
        placeholder=_("Choose a field"),
        key="risk-curve-field",
    )
    if name is None:
        st.markdown(_("Choose a field to see the risk at each of its values, all else as entered."))
        return
    values = values_of(name, result.record.get(name))
    response = _response(result, name, values)
    if isinstance(response, ServiceError):
        error_view.draw(response, result.entries.system)
    elif response.model.version != result.prediction.model.version:
        st.info(_("The model has changed since: press **Predict** again."), icon=":material/sync:")
    else:
        applicable = [one.outside_population is None for one in response.explanations]
        risks = [one.probability for one in response.explanations]
        _draw(result, BY_NAME[name], {v: r for v, r, ok in zip(values, risks, applicable, strict=True) if ok})


def _response(result: Result, name: str, values: Sequence[Value]) -> ExplainResponse | ServiceError:
    """The risks, requested once for a result and a field."""
    cached: tuple[Result, str, ExplainResponse] | None = st.session_state.get(_CACHE)
    if cached and cached[0] is result and cached[1] == name:
        return cached[2]
    records = [{**result.record, name: value} for value in values]
    with st.spinner(_("Computing the predictions…")):
        response = result_or_error(lambda: services.api().explain(*records, system=result.entries.system))
    if isinstance(response, ExplainResponse):
        st.session_state[_CACHE] = result, name, response
    return response


def _draw(result: Result, column: Column, risks: Mapping[Value, float]) -> None:
    current = result.record.get(column.name)
    texts = {value: fields.value_text(column, value) for value in risks}
    lowest, highest = min(risks, key=risks.__getitem__), max(risks, key=risks.__getitem__)
    summary = _("From {low} at {at_low} to {high} at {at_high}.").format(
        low=percent(risks[lowest]), at_low=texts[lowest], high=percent(risks[highest]), at_high=texts[highest]
    )
    st.markdown(escape(summary))
    rows = pd.DataFrame(
        {
            "value": list(risks) if column.kind is Kind.COUNT else [texts[value] for value in risks],
            "risk": list(risks.values()),
            "entered": [value == current for value in risks],
            "text": [percent(risk) for risk in risks.values()],
        }
    )
    chart = _line(rows, label_of(column)) if column.kind is Kind.COUNT else _bars(rows)
    alternative = _("Chart of the risk over {field}. {summary} The table below has all values.")
    st.altair_chart(
        charts.localised(chart, current_language()),
        width="stretch",
        alt=alternative.format(field=label_of(column), summary=summary),
    )
    with st.expander(_("All values as a table")):
        st.table(
            {
                label_of(column): [
                    f"**{escape(text)}** ({_('entered')})" if value == current else escape(text)
                    for value, text in texts.items()
                ],
                _("Risk"): rows["text"].tolist(),
            },
            border="horizontal",
            hide_index=True,
            alt=_("Risk at each value"),
        )
    note = _("Each point is another patient who differs only in this, not the effect of a treatment.")
    st.markdown(f":small[{note}]")


def _line(rows: pd.DataFrame, title: str) -> alt.LayerChart:
    """A line over numbers; the entered value is marked."""
    colours = charts.palette()
    base = alt.Chart(rows).encode(
        x=alt.X("value:Q", title=title, axis=alt.Axis(format="d", tickMinStep=1)),
        y=alt.Y("risk:Q", title=_("Predicted risk"), axis=alt.Axis(format=".0%", tickCount=5)),
        tooltip=[alt.Tooltip("value:Q", title=title), alt.Tooltip("text:N", title=_("Risk"))],
    )
    line = base.mark_line(color=colours.lower, point=alt.OverlayMarkDef(color=colours.lower, size=30))
    chart = alt.LayerChart(layer=[line, _entered(base, colours)])
    return chart.properties(height=_HEIGHT)


def _bars(rows: pd.DataFrame) -> alt.LayerChart:
    """A bar for each value; the entered one is marked."""
    colours = charts.palette()
    base = alt.Chart(rows).encode(
        y=alt.Y("value:N", title=None, sort=None, axis=alt.Axis(labelLimit=190)),
        x=alt.X("risk:Q", title=_("Predicted risk"), axis=alt.Axis(format=".0%", tickCount=4)),
        tooltip=[alt.Tooltip("value:N", title=_("Value")), alt.Tooltip("text:N", title=_("Risk"))],
    )
    bars = base.mark_bar(color=colours.lower, height=12)
    chart = alt.LayerChart(layer=[bars, _entered(base, colours)])
    return chart.properties(height=40 + _ROW * len(rows))


def _entered(base: alt.Chart, colours: charts.Palette) -> alt.Chart:
    point: alt.Chart = base.transform_filter("datum.entered").mark_point(
        color=colours.patient, filled=True, shape="diamond", size=130, opacity=1
    )
    return point
