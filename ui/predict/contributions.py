"""Contributions of the known fields to a risk, as chart and table; requested after the risk is shown."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from ui import charts, services
from ui.clients.api_models import Contribution, ExplainResponse, Explanation
from ui.clients.errors import ServiceError, result_or_error
from ui.i18n.language import _, counted, decimal, percent
from ui.i18n.wording import error_text, escape
from ui.predict import fields
from ui.predict.result import Result

KEY: Final = "last-explanation"
MAX_BARS: Final = 10
"""Further contributions are summed in the last bar; the table lists all of them."""
MAX_NAMED: Final = 3
"""Contributions in the text alternative of the chart."""


def draw(result: Result) -> None:
    """Draw the contributions, or why there are none."""
    st.subheader(_("Where this risk comes from"))
    response = _explanation_of(result) if result.record else None
    if isinstance(response, ServiceError):
        text = _("The contributions cannot be shown now; the risk remains valid.")
        st.info(f"{text} {escape(error_text(response))}", icon=":material/info:")
        st.button(_("Try again"), icon=":material/refresh:", on_click=_clear, key="ask-again")
    elif response and response.model.version != result.prediction.model.version:
        st.info(_("The model has changed since: press **Predict** again."), icon=":material/sync:")
    elif response and response.explanations[0].contributions:
        _draw(response.explanations[0])
    else:
        st.markdown(_("Nothing is known of this patient, so the risk is the average of the model."))


def points(share: float) -> str:
    """A difference of two shares in percentage points, with its sign: +3.1 points."""
    rounded = round(100 * share, 1)
    sign = "−" if rounded < 0 else "+" if rounded > 0 else ""
    return _("{number} points").format(number=f"{sign}{decimal(abs(rounded), 1)}")


def _explanation_of(result: Result) -> ExplainResponse | ServiceError:
    """The explanation of this result, requested once."""
    cached: tuple[Result, ExplainResponse | ServiceError] | None = st.session_state.get(KEY)
    if cached and cached[0] is result:
        return cached[1]
    with st.spinner(_("Computing the contributions…")):
        response = result_or_error(lambda: services.api().explain(result.record, system=result.entries.system))
    st.session_state[KEY] = result, response
    return response


def _clear() -> None:
    st.session_state.pop(KEY, None)


def _draw(explanation: Explanation) -> None:
    contributions = explanation.contributions
    text = _("From {base}, when nothing is known, to {risk}: the contributions of the known fields add up to this.")
    summary = text.format(base=percent(explanation.base), risk=percent(explanation.probability))
    st.markdown(summary)
    largest = ", ".join(f"{_name(one)} {points(one.contribution)}" for one in contributions[:MAX_NAMED])
    alternative = _("Bar chart of contributions. {summary} The largest: {largest}. The table below has all of them.")
    st.altair_chart(
        charts.diverging(_bars(contributions), charts.palette()),
        width="stretch",
        alt=alternative.format(summary=summary, largest=largest),
    )
    with st.expander(_("All contributions as a table")):
        st.table(
            {
                _("Field"): [fields.input_label(one.field) for one in contributions],
                _("Value"): [escape(_value(one)) for one in contributions],
                _("Contribution"): [points(one.contribution) for one in contributions],
                _("Standard error"): [decimal(100 * one.standard_error, 1) for one in contributions],
            },
            border="horizontal",
            hide_index=True,
            alt=_("Contributions of all known fields"),
        )
    note = _("Contributions explain the answer of the model, not the causes of a readmission.")
    st.markdown(f":small[{note}]")


def _bars(contributions: Sequence[Contribution]) -> list[charts.Bar]:
    """The largest contributions, and the sum of all others."""
    shown = contributions if len(contributions) <= MAX_BARS else contributions[: MAX_BARS - 1]
    bars = [charts.Bar(_name(one), one.contribution, points(one.contribution)) for one in shown]
    if rest := contributions[len(shown) :]:
        total = sum(one.contribution for one in rest)
        label = counted("{number} other field", "{number} other fields", len(rest))
        bars.append(charts.Bar(label, total, points(total)))
    return bars


def _name(one: Contribution) -> str:
    """Field and value without the unit, short enough for a chart."""
    if one.field == fields.EARLIER_STAYS or one.field not in fields.INPUT_BY_NAME:
        return fields.input_label(one.field)
    return f"{_(fields.INPUT_BY_NAME[one.field].label)}: {_value(one)}"


def _value(one: Contribution) -> str:
    column = fields.INPUT_BY_NAME.get(one.field)
    return fields.value_text(column, one.value) if column else str(one.value)
