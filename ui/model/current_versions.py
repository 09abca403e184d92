"""Production and challenger side by side: provenance, metrics and the gate's decision."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from ml.schema import CITATION
from ui.clients.api_models import SYNTHETIC, ServedModel
from ui.clients.errors import ServiceError
from ui.i18n.language import _
from ui.i18n.wording import error_text, escape
from ui.metrics import HEADLINE, Metrics, description, format_metric, label, run_metrics
from ui.model import gate_decision
from ui.model.registry_snapshot import RegistrySnapshot, fetch_runs
from ui.model.version_cards import VersionCard, version_cards
from ui.services import ServingState


def draw(state: ServingState, snapshot: RegistrySnapshot | ServiceError) -> None:
    """Facts, the gate's reasons and the headline metrics."""
    served = state.served if isinstance(state.served, ServedModel) else None
    cards = version_cards(state, snapshot, served)
    st.header(_("Production and challenger"))
    _missing_roles(snapshot)
    if not cards:
        return
    _facts(cards)
    _reasons(cards)
    _metrics(cards)
    if any(card.data_source != SYNTHETIC for card in cards):
        with st.container(key="as-the-service-says-citation"):
            st.markdown(f":small[{CITATION.replace('[data set]', '(data set)')}]")


def _missing_roles(snapshot: RegistrySnapshot | ServiceError) -> None:
    if not isinstance(snapshot, RegistrySnapshot):
        text = _("The challenger cannot be shown while the registry is not available.")
        st.info(text, icon=":material/cloud_off:")
    elif snapshot.production is None and snapshot.challenger:
        st.info(_("No version is in production: the gate refused all so far, or has not decided yet."))
    elif snapshot.challenger is None:
        st.markdown(_("There is no challenger: the next training makes one."))
    elif snapshot.challenger == snapshot.production:
        st.markdown(_("The challenger is in production: no newer version has been trained."))


def _facts(cards: Sequence[VersionCard]) -> None:
    facts = [card.facts() for card in cards]
    rows = list(dict.fromkeys(name for one in facts for name in one))
    columns = {card.title: [one.get(row, "–") for row in rows] for card, one in zip(cards, facts, strict=True)}
    st.table(pd.DataFrame(columns, rows), border="horizontal", alt=_("Provenance of the versions and gate decisions"))


def _reasons(cards: Sequence[VersionCard]) -> None:
    lines = [
        f"- **{card.title}**: {reason}"
        for card in cards
        if card.registered and (reason := gate_decision.reason(card.registered))
    ]
    if lines:
        st.markdown(_("**Reasons given by the gate:**"))
        st.markdown("\n".join(lines))


def _metrics(cards: Sequence[VersionCard]) -> None:
    st.header(_("Measured on held-out patients"))
    metrics = _metrics_by_title(cards)
    if not any(metrics.values()):
        st.info(_("There are no metrics: the version's run was deleted from MLflow, or it has logged none."))
        return
    draw_metrics(metrics, HEADLINE)
    text = _("Each metric has a 95% interval, by bootstrap over patients with all of their encounters.")
    st.markdown(f":small[{text}]")


def draw_metrics(metrics: Mapping[str, Metrics], names: Sequence[str]) -> None:
    """A row for each name, a column for each title of ``metrics``."""
    columns = {title: [format_metric(one.get(name)) for name in names] for title, one in metrics.items()}
    columns[_("Meaning")] = [description(name) for name in names]
    st.table(
        pd.DataFrame(columns, [label(name) for name in names]),
        border="horizontal",
        alt=_("Metrics of the versions with their 95% intervals"),
    )


def _metrics_by_title(cards: Sequence[VersionCard]) -> dict[str, Metrics]:
    """Metrics from the API for the served model, from the run in MLflow for the others."""
    others = [card for card in cards if not card.served]
    runs = fetch_runs(*(card.registered for card in others))
    if isinstance(runs, ServiceError):
        st.info(escape(error_text(runs)), icon=":material/cloud_off:")
        return {card.title: card.served.metrics for card in cards if card.served}
    of_runs = {card.title: run_metrics(run) if run else {} for card, run in zip(others, runs, strict=True)}
    return {card.title: card.served.metrics if card.served else of_runs[card.title] for card in cards}
