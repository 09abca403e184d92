"""Frame, chart and error message that all panels share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from ui import health
from ui.chart_specs import Spec
from ui.clients.errors import Service, ServiceError
from ui.i18n.language import _
from ui.i18n.wording import error_text, escape
from ui.monitoring.format import value
from ui.monitoring.snapshot import Snapshot

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Panel:
    """Head of a panel.

    ``dashboard`` is the uid of Grafana's dashboard with the same data, ``alerts`` names the alerts on these values.
    """

    title: str
    unit: str
    metric: str
    dashboard: str
    alerts: tuple[str, ...] = ()

    @contextmanager
    def frame(self, snapshot: Snapshot, text: Callable[[float], str] = value) -> Iterator[tuple[float, ...]]:
        """Draw the head, then the body of the ``with`` statement, then the alerts; yields the alerts' limits."""
        limits = {name: snapshot.limits(name) for name in self.alerts}
        with st.container(border=True):
            st.markdown(f"#### {self.title}")
            st.markdown(f":small[{self._source(snapshot)}]")
            yield tuple(limit for one in limits.values() for limit in one)
            if snapshot.without_prometheus is not None:
                return  # nothing evaluates the alerts
            for name, of_alert in limits.items():
                line = _("Alert on these values: {name}.").format(name=name)
                if of_alert:
                    line = _("Alert on these values: {name}, limit {limits}.").format(
                        name=name, limits=" / ".join(text(limit) for limit in of_alert)
                    )
                st.markdown(f":small[{line}]")

    def _source(self, snapshot: Snapshot) -> str:
        if snapshot.without_prometheus is not None:
            path = "/metrics" if self.metric.startswith("api_") else "/monitoring"
            return _("Unit: {unit}. Source: the API, {path}.").format(unit=self.unit, path=f"`GET {path}`")
        text, metric = _("Unit: {unit}. Source: Prometheus, {metric}."), f"`{self.metric}`"
        if grafana := health.address(Service.GRAFANA):
            text = _("Unit: {unit}. Source: Prometheus, {metric} ([the same in Grafana]({address})).")
            return text.format(unit=self.unit, metric=metric, address=f"{grafana}/d/{self.dashboard}")
        return text.format(unit=self.unit, metric=metric)


def available(result: Sequence[T] | ServiceError, empty: str) -> Sequence[T]:
    """The result; an error, or the sentence for an empty result, is drawn in its place."""
    if isinstance(result, ServiceError):
        draw_error(result)
        return ()
    if not result:
        st.info(empty, icon=":material/hourglass_empty:")
    return result


def draw_error(error: ServiceError) -> None:
    """The error of one query; the rest of the page stays."""
    st.warning(escape(error_text(error)), icon=":material/cloud_off:")


def draw_chart(spec: Spec, words: str, table: Mapping[str, Sequence[str]]) -> None:
    """A chart with its text alternative, and the same as a table."""
    st.vega_lite_chart(spec=spec, width="stretch", alt=words)
    with st.expander(_("The same as a table")):
        st.table(dict(table), border="horizontal", hide_index=True, alt=words)
