"""Summary of the served model, and links to the other pages."""

import streamlit as st

from ui import banners
from ui.clients.api_models import SYNTHETIC, ServedModel
from ui.i18n.language import _, decimal, format_utc, percent
from ui.i18n.wording import escape, interval


def draw(model: ServedModel) -> None:
    """Name, version, provenance and AUROC."""
    with st.container(border=True):
        st.subheader(_("Model in service"))
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
        auroc = model.metrics.get("auroc")
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


def draw_page_links() -> None:
    """A card for each other page."""
    pages = (
        ("predict", _("Predict"), ":material/stethoscope:", _("The risk of one patient, and what contributes to it.")),
        ("batch", _("Batch"), ":material/table_rows:", _("A CSV file of patients, sorted by risk.")),
        ("model", _("Model"), ":material/analytics:", _("Versions of the model, their quality and the decisions.")),
        ("monitoring", _("Monitoring"), ":material/monitoring:", _("Alerts, traffic, drift and quality.")),
    )
    for place, (page, title, icon, purpose) in zip(st.columns(len(pages)), pages, strict=True):
        with place, st.container(border=True, height="stretch"):
            st.page_link(f"app_pages/{page}.py", label=f"**{title}**", icon=icon)
            st.markdown(f":small[{purpose}]")
