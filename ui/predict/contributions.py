"""What a risk is made of: the contribution of each known field, asked for once the risk itself is shown."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from ml.schema import INPUTS
from ui import charts, services
from ui.clients.api_models import Contribution, ExplainAnswer, Explanation
from ui.clients.errors import ServiceError
from ui.i18n.language import _, counted, decimal, percent
from ui.i18n.wording import label_of, plain, sentence
from ui.predict import fields
from ui.predict.reliability import EARLIER_STAYS
from ui.predict.result import Result

KEY: Final = "last-explanation"
MOST_BARS: Final = 10
"""More than these are drawn as one bar; the table has them all."""
NAMED: Final = 3
"""How many the text alternative names."""

_COLUMNS: Final = {column.name: column for column in INPUTS}


def draw(result: Result) -> None:
    """The contributions to a result, or why there are none; the result itself stands whatever happens here."""
    st.subheader(_("Where this risk comes from"))
    if not result.record:
        _nothing_known()
        return
    answer = _asked(result)
    if isinstance(answer, ServiceError):
        text = _("The contributions cannot be shown now; the risk stands.")
        st.info(f"{text} {plain(sentence(answer))}", icon=":material/info:")
        st.button(_("Ask again"), icon=":material/refresh:", on_click=_forget, key="ask-again")
    elif answer.model.version != result.prediction.model.version:
        st.info(_("The model has changed since: press **Predict** again."), icon=":material/sync:")
    elif not answer.explanations[0].contributions:
        _nothing_known()
    else:
        _draw(answer.explanations[0])


def points(share: float) -> str:
    """A difference of two shares in percentage points, with its sign: +3.1 points."""
    rounded = round(100 * share, 1)
    sign = "−" if rounded < 0 else "+" if rounded > 0 else ""
    return _("{number} points").format(number=f"{sign}{decimal(abs(rounded), 1)}")


def _asked(result: Result) -> ExplainAnswer | ServiceError:
    """The explanation of this result, asked for once."""
    kept: tuple[Result, ExplainAnswer | ServiceError] | None = st.session_state.get(KEY)
    if kept and kept[0] is result:
        return kept[1]
    with st.spinner(_("Asking what the risk is made of…")):
        answer = services.outcome(lambda: services.api().explain(result.record))
    st.session_state[KEY] = result, answer
    return answer


def _nothing_known() -> None:
    st.markdown(_("Nothing is known of this patient, so the risk is the same as for anybody of the cohort."))


def _forget() -> None:
    st.session_state.pop(KEY, None)


def _draw(explanation: Explanation) -> None:
    text = _("From {base}, when nothing is known, to {risk}: each known field moves the risk by its part.")
    words = text.format(base=percent(explanation.base), risk=percent(explanation.probability))
    st.markdown(words)
    largest = ", ".join(f"{_named(one)} {points(one.contribution)}" for one in explanation.contributions[:NAMED])
    alternative = _("Bar chart of contributions. {words} The largest: {largest}. The table below has all of them.")
    st.altair_chart(
        charts.diverging(_bars(explanation.contributions), charts.palette()),
        width="stretch",
        alt=alternative.format(words=words, largest=largest),
    )
    with st.expander(_("All contributions as a table")):
        _table(explanation.contributions)
    note = _("Contributions say how the model arrived here, not what causes readmission.")
    st.markdown(f":small[{note}]")


def _bars(contributions: Sequence[Contribution]) -> list[charts.Bar]:
    """The largest ones, and the sum of all others."""
    shown = contributions if len(contributions) <= MOST_BARS else contributions[: MOST_BARS - 1]
    bars = [charts.Bar(_named(one), one.contribution, points(one.contribution)) for one in shown]
    if rest := contributions[len(shown) :]:
        together = sum(one.contribution for one in rest)
        label = counted("{number} other field", "{number} other fields", len(rest))
        bars.append(charts.Bar(label, together, points(together)))
    return bars


def _table(contributions: Sequence[Contribution]) -> None:
    st.table(
        {
            _("Field"): [_label(one.field) for one in contributions],
            _("Value"): [plain(_value(one)) for one in contributions],
            _("Contribution"): [points(one.contribution) for one in contributions],
            _("Standard error"): [decimal(100 * one.standard_error, 1) for one in contributions],
        },
        border="horizontal",
        hide_index=True,
        alt=_("Contributions of all known fields"),
    )


def _named(one: Contribution) -> str:
    """Field and value, short enough for a chart: without the unit."""
    if one.field == EARLIER_STAYS or one.field not in _COLUMNS:
        return _label(one.field)
    return f"{_(_COLUMNS[one.field].label)}: {_value(one)}"


def _label(name: str) -> str:
    if name == EARLIER_STAYS:
        return _("All that is known of earlier stays")
    return label_of(_COLUMNS[name]) if name in _COLUMNS else name


def _value(one: Contribution) -> str:
    column = _COLUMNS.get(one.field)
    return fields.text(column, one.value) if column else str(one.value)
