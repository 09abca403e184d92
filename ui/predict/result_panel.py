"""Result panel: the risk, its band and rank in the cohort, and its reliability; or the error."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ml.schema import BY_NAME
from ml.schema.code_systems import CodeSystem
from ui import banners, charts, cohort
from ui.clients.api_models import ConvertedCode, RecordWarning, ServedModel
from ui.clients.errors import Rejected, ServiceError
from ui.i18n.language import _, percent
from ui.i18n.messages import message
from ui.i18n.wording import escape
from ui.predict import fields, printout, reliability_panel
from ui.predict.diagnosis.names import label as label_of_diagnosis
from ui.predict.reliability import MIN_INFORMATION_FOR_RANK, information
from ui.predict.result import Result, is_outdated
from ui.thresholds import flag


def draw(result: Result | ServiceError | None) -> None:
    """Draw a result, an error, or the hint of an empty panel."""
    st.subheader(_("Result"))
    if is_outdated():
        text = _("**Of the former entries:** the form has changed since. Press **Predict** for the present ones.")
        st.warning(text, icon=":material/history:")
    match result:
        case None:
            st.markdown(_("Fill in what is known and press **Predict**. Unknown fields are left out."))
        case Rejected():
            st.markdown(_("There is no result: the reason stands below the button **Predict**."))
        case ServiceError():
            banners.service_error(result)
        case Result():
            _draw(result)


def _draw(result: Result) -> None:
    risk, model, prediction = result.risk, result.model, result.prediction
    st.metric(_("Risk of readmission within 30 days"), percent(risk))
    if model is None:
        text = _("The figures of version {version} are not available now, so the risk is shown without comparison.")
        st.info(text.format(version=prediction.model.version))
    elif prediction.outside_population[0]:
        outside_population()
    elif result.has_rank(result.known):
        band = cohort.band_of(risk, model.risk_quantiles)
        st.badge(_("{band} of the test encounters").format(band=band), icon=":material/bar_chart:")
        st.markdown(f"**{_comparison(result, model)}**")
    else:
        text = _(
            "**No rank:** the known fields hold {share} of the information. Below {least} a rank among patients is "
            "hardly better than a guess."
        )
        share = percent(information(result.known, model.reliability_curve), 0)
        st.markdown(text.format(share=share, least=percent(MIN_INFORMATION_FOR_RANK, 0)))
        st.markdown(cohort.ratio(risk, model.prevalence))
    flag.draw(prediction)
    if prediction.warnings:
        _notes(prediction.warnings)
    if prediction.codes:
        _conversions(prediction.codes[0])
    for name, entered in result.excess.items():
        st.info(fields.excess_text(BY_NAME[name], entered), icon=":material/info:")
    chart_position = st.container()
    reliability_panel.draw(prediction, model)
    source = _("Model {name}, version {version}. Request {request}.").format(
        name=prediction.model.name, version=prediction.model.version, request=escape(prediction.request_id)
    )
    st.markdown(f":small[{source}]  \n:small[{banners.disclaimer()}]")
    printout.draw(result)
    # The chart takes as long as everything else, so it is drawn last.
    if model is not None and result.has_rank(result.known) and not prediction.outside_population[0]:
        with chart_position:
            _chart(result, model)


def outside_population() -> None:
    """Draw why the model does not apply to a patient who died or went to hospice."""
    text = _(
        "**Outside the population of the model:** patients who died or were discharged to hospice care cannot be "
        "readmitted, and the model was fitted without them. Do not use this risk."
    )
    st.warning(text, icon=":material/block:")


def _conversions(codes: Mapping[str, ConvertedCode]) -> None:
    """What each code of ICD-10-CM was scored as."""
    lines = [
        f"{_(BY_NAME[name].label)}: {label_of_diagnosis(code.given, CodeSystem.ICD10)}" for name, code in codes.items()
    ]
    if lines:
        text = _("Converted to ICD-9-CM:")
        st.markdown("\n".join([f":small[{text}]", "", *(f"- :small[{escape(line)}]" for line in lines)]))


def _notes(warnings: Sequence[RecordWarning]) -> None:
    text = _("**Notes on the entries.** They contradict one another or were not read as written; the risk uses them:")
    st.warning(text, icon=":material/rule:")
    st.markdown("\n".join(f"- {escape(message(one.message))}" for one in warnings))


def _comparison(result: Result, model: ServedModel) -> str:
    standing, ratio = cohort.standing(result.risk, model.risk_quantiles), cohort.ratio(result.risk, model.prevalence)
    return f"{standing} {ratio}".rstrip()


def _chart(result: Result, model: ServedModel) -> None:
    risk, (low, high) = result.risk, result.prediction.intervals[0]
    alternative = _(
        "Distribution of predicted risk among the test encounters. This patient: {risk}. {comparison} "
        "A bar above it marks the range from {low} to {high}."
    ).format(risk=percent(risk), comparison=_comparison(result, model), low=percent(low), high=percent(high))
    st.altair_chart(
        charts.risk_in_cohort(risk, model.risk_quantiles, model.prevalence, charts.palette(), (low, high)),
        width="stretch",
        alt=alternative,
    )
    st.markdown(f":small[{cohort.band_definition(model.risk_quantiles)}]")
