"""Asking for a prediction, and drawing what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from ml.schema import BY_NAME, FEATURES
from ui import charts, cohort, notices, services
from ui.answers import FieldFault, Prediction, ServedModel
from ui.api_client import NoModelYet, Refused, ServiceError
from ui.fields import label_of


@dataclass(frozen=True, slots=True)
class Result:
    """A prediction with all that is shown beside it, as it was when it was made."""

    prediction: Prediction
    known: int
    model: ServedModel | None  # None when the cohort of that version could not be had


def ask(record: Mapping[str, str | int]) -> Result | ServiceError:
    """Predict for one record; a fault is returned, since it is shown in the same place."""
    try:
        prediction = services.client().predict(record)
    except ServiceError as error:
        services.look_again()
        return error
    return Result(prediction, len(record), _model_of(prediction))


def _model_of(prediction: Prediction) -> ServedModel | None:
    """The served model, if it is the one that predicted; asked anew when a swap came in between."""
    for _ in range(2):
        served = services.picture().served
        if isinstance(served, ServedModel) and served.version == prediction.model.version:
            return served
        services.look_again()
    return None


def draw(result: Result | ServiceError | None) -> None:
    """The result panel in each of its states."""
    st.subheader("Result")
    match result:
        case None:
            st.markdown("Fill in what is known and press **Predict**. What you leave unknown is left out.")
        case Refused() as refused:
            _refused(refused)
        case NoModelYet() as error:
            st.error(f"There is no model to ask: {notices.plain(str(error).rstrip('.'))}.", icon=":material/hourglass:")
        case ServiceError() as error:
            notices.failure(error)
        case Result():
            _prediction(result)


def _prediction(result: Result) -> None:
    prediction, risk = result.prediction, result.prediction.predictions[0]
    st.metric("Risk of readmission within 30 days", f"{risk:.1%}")
    if result.model:
        words = cohort.comparison(risk, result.model.risk_quantiles, result.model.prevalence)
        st.markdown(f"**{words}**")
        st.altair_chart(
            charts.risk_in_cohort(risk, result.model.risk_quantiles, result.model.prevalence, _palette()),
            width="stretch",
            alt=f"Distribution of predicted risk among the test patients. This patient: {risk:.1%}. {words}",
        )
    else:
        st.info(f"The cohort of version {prediction.model.version} cannot be had now, so the risk stands alone.")
    st.markdown(f"**{result.known} of {len(FEATURES)} fields known.**")
    st.markdown(
        f":small[Model {prediction.model.name}, version {prediction.model.version}. "
        f"Request {notices.plain(prediction.request_id)}.]  \n:small[{notices.NOT_CLINICAL}]"
    )


def _palette() -> charts.Palette:
    return charts.DARK if st.context.theme.type == "dark" else charts.LIGHT


def _refused(refused: Refused) -> None:
    if not refused.faults:
        notices.failure(refused)
        return
    what = "this field" if len(refused.faults) == 1 else "these fields"
    lines = "\n".join(f"- {_fault(fault)}" for fault in refused.faults)
    st.error(f"Please correct {what}:\n\n{lines}", icon=":material/edit_note:")


def _fault(fault: FieldFault) -> str:
    """A fault in the words of the form; the API's own words where the form has no such field."""
    column = BY_NAME.get(fault.field or "")
    if column is None or column.allowed:
        return notices.plain(fault.message)
    given = "" if fault.value is None else f" “{fault.value}”"
    return notices.plain(f"{label_of(column)}{given}: enter {column.expectation}, or leave it empty for unknown.")
