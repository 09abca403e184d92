"""View of the Model page: capacity or threshold of a version, its figures, and the policy."""

import streamlit as st

from ml.core.policies.figures import figures_at
from ui.i18n.language import _
from ui.model.registry_snapshot import RegistrySnapshot
from ui.model.version_select import select_version
from ui.thresholds import controls, figures_view, policy_form, store


def draw(snapshot: RegistrySnapshot) -> None:
    """Draw controls, figures and policy."""
    st.header(_("Capacity and threshold"))
    st.markdown(
        _(
            "How many patients can be called, or from which risk on? The figures are counted on the test patients, "
            "whom the model has not seen."
        )
    )
    preferred = snapshot.production or snapshot.versions[0]
    version = select_version(snapshot, _("Version"), "thresholds-version", preferred)
    table = store.fetch_or_explain(version)
    if table is None:
        return
    choice = controls.choose(table, "thresholds")
    figures_view.draw(figures_at(table, choice.step), choice.per_week)
    policy_form.draw(choice.step, version.version)
