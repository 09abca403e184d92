"""What is served now, and the ways on."""

from typing import Final

import streamlit as st

from ui import banners
from ui.clients.api_models import SYNTHETIC, ServedModel
from ui.i18n.language import _, decimal, format_utc, percent
from ui.i18n.wording import escape, interval

AUROC: Final = "auroc"


def served(model: ServedModel) -> None:
    """Name, version, where it comes from, and the one figure that says most."""
    with st.container(border=True):
        st.subheader(_("The model that answers"))
        data = _("a synthetic cohort") if model.provenance == SYNTHETIC else "Diabetes 130-US hospitals (UCI 296)"
        text = _("**{name}**, version {version}: {algorithm}, trained {trained} on {data}.")
        st.markdown(
            text.format(
                name=escape(model.name),
                version=escape(model.version),
                algorithm=escape(model.algorithm),
                trained=format_utc(model.trained_at),
                data=data,
            )
        )
        auroc = model.metrics.get(AUROC)
        if auroc and auroc.value is not None:
            text = _("AUROC {value} (95% interval {interval}); {share} of the test patients were readmitted.")
            st.markdown(
                text.format(
                    value=decimal(auroc.value, 3),
                    interval=interval(auroc.low, auroc.high, 3),
                    share=percent(model.prevalence),
                )
            )
        st.markdown(f":small[{banners.disclaimer()}]")


def ways_on() -> None:
    """The other pages, and what each is for."""
    pages = (
        ("predict", _("Prediction"), ":material/stethoscope:", _("The risk of one patient, and where it comes from.")),
        ("batch", _("Batch"), ":material/table_rows:", _("A CSV file of patients, sorted by risk.")),
        ("model", _("Model"), ":material/analytics:", _("What the model is, how good it is, and what came before it.")),
        ("monitoring", _("Monitoring"), ":material/monitoring:", _("Traffic, drift and quality, now and lately.")),
    )
    for place, (page, title, icon, purpose) in zip(st.columns(len(pages)), pages, strict=True):
        with place, st.container(border=True, height="stretch"):
            st.page_link(f"app_pages/{page}.py", label=f"**{title}**", icon=icon)
            st.markdown(f":small[{purpose}]")
