"""Asking for a prediction, and drawing what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from ml.schema import BY_NAME, FEATURES
from ui import charts, cohort, notices, services
from ui.clients.api_answers import Prediction, ServedModel
from ui.clients.faults import FieldFault, NoModelYet, Refused, ServiceError
from ui.language import _, percent
from ui.wording import fault, plain


@dataclass(frozen=True, slots=True)
class Result:
    """A prediction with all that is shown beside it, as it was when it was made."""

    prediction: Prediction
    model: ServedModel | None  # None when the cohort of that version could not be had


def ask(record: Mapping[str, str | int]) -> Result | ServiceError:
    """Predict for one record; a fault is returned, since it is shown in the same place."""
    try:
        prediction = services.api().predict(record)
    except ServiceError as error:
        services.look_again()
        return error
    return Result(prediction, _model_of(prediction))


def _model_of(prediction: Prediction) -> ServedModel | None:
    """The served model, if it is the one that predicted; asked anew when a swap came in between."""
    for _attempt in range(2):
        served = services.picture().served
        if isinstance(served, ServedModel) and served.version == prediction.model.version:
            return served
        services.look_again()
    return None


def draw(result: Result | ServiceError | None) -> None:
    """The result panel in each of its states."""
    st.subheader(_("Result"))
    match result:
        case None:
            st.markdown(_("Fill in what is known and press **Predict**. What you leave unknown is left out."))
        case Refused() as refused if refused.faults:
            _refused(refused)
        case NoModelYet() as error:
            text = _("There is no model to ask: {said}.").format(said=plain(error.said.rstrip(".")))
            st.error(text, icon=":material/hourglass:")
        case ServiceError() as error:
            notices.failure(error)
        case Result():
            _prediction(result)


def _prediction(result: Result) -> None:
    prediction, risk = result.prediction, result.prediction.predictions[0]
    st.metric(_("Risk of readmission within 30 days"), percent(risk))
    if result.model:
        words = cohort.comparison(risk, result.model.risk_quantiles, result.model.prevalence)
        st.markdown(f"**{words}**")
        alternative = _("Distribution of predicted risk among the test patients. This patient: {risk}. {words}")
        st.altair_chart(
            charts.risk_in_cohort(risk, result.model.risk_quantiles, result.model.prevalence, charts.palette()),
            width="stretch",
            alt=alternative.format(risk=percent(risk), words=words),
        )
    else:
        text = _("The cohort of version {version} cannot be had now, so the risk stands alone.")
        st.info(text.format(version=prediction.model.version))
    known = _("{known} of {all} fields known.").format(known=prediction.known_fields[0], all=len(FEATURES))
    st.markdown(f"**{known}**")
    model = _("Model {name}, version {version}. Request {request}.").format(
        name=prediction.model.name, version=prediction.model.version, request=plain(prediction.request_id)
    )
    st.markdown(f":small[{model}]  \n:small[{notices.not_clinical()}]")


def _refused(refused: Refused) -> None:
    what = _("Please correct this field:") if len(refused.faults) == 1 else _("Please correct these fields:")
    lines = "\n".join(f"- {_fault(one)}" for one in refused.faults)
    st.error(f"{what}\n\n{lines}", icon=":material/edit_note:")


def _fault(found: FieldFault) -> str:
    return plain(fault(found, BY_NAME.get(found.field or "")))
