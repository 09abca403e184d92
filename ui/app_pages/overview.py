"""Overview page: the served model, or the steps to a first one, and the health of all services."""

import streamlit as st

from ui import banners, services
from ui.clients.api_models import SYNTHETIC, ServedModel
from ui.i18n.language import _, decimal, format_utc, percent
from ui.i18n.wording import escape, interval
from ui.overview import guide, health_view


def _draw_served_model(model: ServedModel) -> None:
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
            text = _(
                "AUROC on the test encounters: {value} (95% interval {interval}). Of the training encounters, {share} "
                "were followed by a readmission within 30 days."
            )
            st.markdown(
                text.format(
                    value=decimal(auroc.value, 3),
                    interval=interval(auroc.low, auroc.high, 3),
                    share=percent(model.prevalence),
                )
            )
        st.markdown(f":small[{banners.disclaimer()}]")


def _draw_page_links() -> None:
    pages = (
        ("predict", _("Prediction"), ":material/stethoscope:", _("The risk of one patient and its contributions.")),
        ("batch", _("Batch"), ":material/table_rows:", _("A CSV file of patients, sorted by risk.")),
        ("model", _("Model"), ":material/analytics:", _("Versions of the model, their quality and the decisions.")),
        ("monitoring", _("Monitoring"), ":material/monitoring:", _("Alerts, traffic, drift and quality.")),
    )
    for place, (page, title, icon, purpose) in zip(st.columns(len(pages)), pages, strict=True):
        with place, st.container(border=True, height="stretch"):
            st.page_link(f"app_pages/{page}.py", label=f"**{title}**", icon=icon)
            st.markdown(f":small[{purpose}]")


st.title(_("Overview"))
top = st.container()
health_view.draw()  # below the model, but drawn first: polling the health never takes long

with top:
    with st.spinner(_("Checking the services…")):
        state = services.serving_state()
    banners.status_badges(state)
    if isinstance(state.served, ServedModel):
        _draw_served_model(state.served)
    elif guide.is_needed(state):
        guide.draw(state)
    else:
        banners.unavailable(state)
    _draw_page_links()
