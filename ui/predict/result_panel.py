"""The result beside the form, in each of its states: the risk first, then how to read it."""

import streamlit as st

from ml.schema import BY_NAME
from ui import bands, banners, charts, cohort
from ui.clients.api_models import ServedModel
from ui.clients.errors import FieldFault, NoModelYet, Refused, ServiceError
from ui.i18n.language import _, percent
from ui.i18n.wording import fault, plain
from ui.predict import reliability_panel
from ui.predict.result import Result


def draw(result: Result | ServiceError | None) -> None:
    """The result panel in each of its states."""
    st.subheader(_("Result"))
    match result:
        case None:
            st.markdown(_("Fill in what is known and press **Predict**. What you leave unknown is left out."))
        case ServiceError():
            draw_fault(result)
        case Result():
            _draw(result)


def draw_fault(error: ServiceError) -> None:
    """What went wrong with a question, in the words of the form where it is about a field."""
    match error:
        case Refused() if error.faults:
            what = _("Please correct this field:") if len(error.faults) == 1 else _("Please correct these fields:")
            lines = "\n".join(f"- {_fault(one)}" for one in error.faults)
            st.error(f"{what}\n\n{lines}", icon=":material/edit_note:")
        case NoModelYet():
            text = _("There is no model to ask: {said}.").format(said=plain(error.said.rstrip(".")))
            st.error(text, icon=":material/hourglass:")
        case _:
            banners.failure(error)


def _draw(result: Result) -> None:
    risk, model = result.risk, result.model
    st.metric(_("Risk of readmission within 30 days"), percent(risk))
    if model is None:
        text = _("The cohort of version {version} cannot be had now, so the risk stands alone.")
        st.info(text.format(version=result.prediction.model.version))
    else:
        band = bands.band_of(risk, model.risk_quantiles)
        st.badge(_("{band} of the cohort").format(band=band.name), icon=":material/bar_chart:")
        st.markdown(f"**{cohort.comparison(risk, model.risk_quantiles, model.prevalence)}**")
    place = st.container()
    reliability_panel.draw(result.prediction, model)
    _source(result)
    # A chart takes as long as all the rest, so the words stand before it is there.
    if model is not None:
        with place:
            _chart(result, model)


def _chart(result: Result, model: ServedModel) -> None:
    risk, (low, high) = result.risk, result.prediction.intervals[0]
    alternative = _(
        "Distribution of predicted risk among the test patients. This patient: {risk}. {words} "
        "A bar above it marks the range from {low} to {high}."
    )
    words = cohort.comparison(risk, model.risk_quantiles, model.prevalence)
    st.altair_chart(
        charts.risk_in_cohort(risk, model.risk_quantiles, model.prevalence, charts.palette(), (low, high)),
        width="stretch",
        alt=alternative.format(risk=percent(risk), words=words, low=percent(low), high=percent(high)),
    )
    st.markdown(f":small[{bands.definition(model.risk_quantiles)}]")


def _source(result: Result) -> None:
    prediction = result.prediction
    model = _("Model {name}, version {version}. Request {request}.").format(
        name=prediction.model.name, version=prediction.model.version, request=plain(prediction.request_id)
    )
    st.markdown(f":small[{model}]  \n:small[{banners.not_clinical()}]")


def _fault(found: FieldFault) -> str:
    return plain(fault(found, BY_NAME.get(found.field or "")))
