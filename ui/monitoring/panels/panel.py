"""What every panel of the page has: a title, a unit, where it comes from, a picture in words, and a table."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

from ui import services
from ui.clients.errors import ServiceError
from ui.i18n.language import _
from ui.i18n.wording import error_text, escape
from ui.monitoring.charts import Spec

T = TypeVar("T")


@contextmanager
def panel(title: str, unit: str, metric: str, dashboard: str) -> Iterator[None]:
    """A framed part of the page; ``dashboard`` is the uid of the one in Grafana that shows the same."""
    grafana = services.settings().grafana_public_url.rstrip("/")
    with st.container(border=True):
        st.markdown(f"#### {title}")
        text = _("Unit: {unit}. Source: Prometheus, {metric} ([the same in Grafana]({address})).")
        st.markdown(f":small[{text.format(unit=unit, metric=f'`{metric}`', address=f'{grafana}/d/{dashboard}')}]")
        yield


def usable(answer: Sequence[T] | ServiceError, nothing: str) -> Sequence[T]:
    """What there is to draw. Where there is nothing, say why in its place: a fault, or that there is no data."""
    if isinstance(answer, ServiceError):
        fault(answer)
        return ()
    if not answer:
        st.info(nothing, icon=":material/hourglass_empty:")
    return answer


def fault(error: ServiceError) -> None:
    """One question without an answer: the rest of the page goes on."""
    st.warning(escape(error_text(error)), icon=":material/cloud_off:")


def picture(figure: Spec, words: str, table: Mapping[str, Sequence[str]]) -> None:
    """A chart, the same in words, and the same as a table."""
    st.vega_lite_chart(spec=figure, width="stretch", alt=words)
    with st.expander(_("The same as a table")):
        st.table(dict(table), border="horizontal", hide_index=True, alt=words)
