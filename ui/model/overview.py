"""Production and challenger side by side: what they were made from, how good they are, what the gate said."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ml.schema import CITATION
from ui.clients.api_models import SYNTHETIC, ServedModel
from ui.clients.errors import ServiceError
from ui.i18n.language import _
from ui.i18n.wording import error_text, escape
from ui.model import verdict
from ui.model.metrics import HEADLINE, Figures, label, meaning, of_run, told
from ui.model.registry_snapshot import RegistrySnapshot, runs_of
from ui.model.version_cards import Side, sides
from ui.services import ServingState


def draw(picture: ServingState, shelf: RegistrySnapshot | ServiceError) -> None:
    """All that is known of the versions that matter now."""
    served = picture.served if isinstance(picture.served, ServedModel) else None
    found = sides(picture, shelf, served)
    st.header(_("Production and challenger"))
    _roles(shelf)
    if not found:
        return
    _facts(found)
    _reasons(found)
    _measured(found)
    if any(side.data_source != SYNTHETIC for side in found):
        with st.container(key="as-the-service-says-citation"):
            st.markdown(f":small[{CITATION.replace('[data set]', '(data set)')}]")


def _roles(shelf: RegistrySnapshot | ServiceError) -> None:
    """What is missing from the picture of two versions, in a sentence."""
    if not isinstance(shelf, RegistrySnapshot):
        st.info(_("Of the challenger nothing can be said while the registry is away."), icon=":material/cloud_off:")
    elif shelf.production is None and shelf.challenger:
        st.info(_("No version is in production: the gate refused all so far, or has not decided yet."))
    elif shelf.challenger is None:
        st.markdown(_("There is no challenger: the next training makes one."))
    elif shelf.challenger == shelf.production:
        st.markdown(_("The challenger is in production: no newer version has been trained."))


def _facts(found: Sequence[Side]) -> None:
    facts = [side.facts() for side in found]
    rows = list(dict.fromkeys(name for one in facts for name in one))
    columns = {side.title: [one.get(row, "–") for row in rows] for side, one in zip(found, facts, strict=True)}
    text = _("What the versions were made from, and what the gate decided")
    st.table(pd.DataFrame(columns, rows), border="horizontal", alt=text)


def _reasons(found: Sequence[Side]) -> None:
    """The gate's sentences; they hold figures, and are in English as they were written."""
    lines = [
        f"- **{side.title}**: {text}" for side in found if side.registered and (text := verdict.reason(side.registered))
    ]
    if lines:
        st.markdown(_("**Why, in the words of the gate:**"))
        with st.container(key="as-the-service-says-reasons"):
            st.markdown("\n".join(lines))


def _measured(found: Sequence[Side]) -> None:
    """The headline figures; the others stand where two versions are compared."""
    st.header(_("Measured on held-out patients"))
    figures = _figures(found)
    if not any(figures.values()):
        st.info(_("There are no figures: the run behind the version is gone from MLflow, or never measured any."))
        return
    columns = {title: [told(one.get(name)) for name in HEADLINE] for title, one in figures.items()}
    meanings = {_("What it says"): [meaning(name) for name in HEADLINE]}
    st.table(
        pd.DataFrame(columns | meanings, [label(name) for name in HEADLINE]),
        border="horizontal",
        alt=_("Metrics of the versions with their 95% intervals"),
    )
    text = _(
        "Each figure with its 95% interval, by bootstrap over patients: all encounters of a patient are drawn together."
    )
    st.markdown(f":small[{text}]")


def _figures(found: Sequence[Side]) -> dict[str, Figures]:
    """Figures by title: of the model that is served by the API, of a version that is not by its run in MLflow."""
    by_registry = [side.registered for side in found if not side.served]
    figures: dict[str, Figures] = {side.title: side.served.metrics for side in found if side.served}
    if not by_registry:
        return figures
    # There are two of them at most: what is neither production nor challenger is served.
    runs = runs_of(by_registry[0], by_registry[1] if len(by_registry) > 1 else None)
    if isinstance(runs, ServiceError):
        st.info(escape(error_text(runs)), icon=":material/cloud_off:")
        return figures
    rest = iter(runs)
    return {
        side.title: side.served.metrics if side.served else of_run(run) if (run := next(rest)) else {} for side in found
    }
