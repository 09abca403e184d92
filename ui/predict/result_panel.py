"""Result panel: the risk, its band and rank in the cohort, and its reliability; or the error."""

import streamlit as st

from ml.schema import BY_NAME
from ui import banners, charts, cohort
from ui.clients.api_models import ServedModel
from ui.clients.errors import Rejected, ServiceError
from ui.i18n.language import _, percent
from ui.i18n.wording import escape, field_error_text
from ui.predict import reliability_panel
from ui.predict.result import Result


def draw(result: Result | ServiceError | None) -> None:
    """Draw a result, an error, or the hint of an empty panel."""
    st.subheader(_("Result"))
    match result:
        case None:
            st.markdown(_("Fill in what is known and press **Predict**. Unknown fields are left out."))
        case ServiceError():
            draw_error(result)
        case Result():
            _draw(result)


def draw_error(error: ServiceError) -> None:
    """Draw an error; field errors use the labels of the form."""
    match error:
        case Rejected(errors=errors) if errors:
            title = _("Please correct this field:") if len(errors) == 1 else _("Please correct these fields:")
            texts = (field_error_text(one, BY_NAME.get(one.field or "")) for one in errors)
            lines = "\n".join(f"- {escape(text)}" for text in texts)
            st.error(f"{title}\n\n{lines}", icon=":material/edit_note:")
        case _:
            banners.service_error(error)


def _draw(result: Result) -> None:
    risk, model, prediction = result.risk, result.model, result.prediction
    st.metric(_("Risk of readmission within 30 days"), percent(risk))
    if model is None:
        text = _("The cohort of version {version} is not available now, so the risk is shown without comparison.")
        st.info(text.format(version=prediction.model.version))
    else:
        band = cohort.band_of(risk, model.risk_quantiles)
        st.badge(_("{band} of the cohort").format(band=band), icon=":material/bar_chart:")
        st.markdown(f"**{cohort.comparison(risk, model.risk_quantiles, model.prevalence)}**")
    chart_position = st.container()
    reliability_panel.draw(prediction, model)
    source = _("Model {name}, version {version}. Request {request}.").format(
        name=prediction.model.name, version=prediction.model.version, request=escape(prediction.request_id)
    )
    st.markdown(f":small[{source}]  \n:small[{banners.disclaimer()}]")
    # The chart takes as long as everything else, so it is drawn last.
    if model is not None:
        with chart_position:
            _chart(result, model)


def _chart(result: Result, model: ServedModel) -> None:
    risk, (low, high) = result.risk, result.prediction.intervals[0]
    alternative = _(
        "Distribution of predicted risk among the test patients. This patient: {risk}. {comparison} "
        "A bar above it marks the range from {low} to {high}."
    )
    comparison = cohort.comparison(risk, model.risk_quantiles, model.prevalence)
    st.altair_chart(
        charts.risk_in_cohort(risk, model.risk_quantiles, model.prevalence, charts.palette(), (low, high)),
        width="stretch",
        alt=alternative.format(risk=percent(risk), comparison=comparison, low=percent(low), high=percent(high)),
    )
    st.markdown(f":small[{cohort.band_definition(model.risk_quantiles)}]")
