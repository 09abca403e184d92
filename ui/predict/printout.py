"""The one-page print view of a result: shown on paper only, with all that a reader needs to judge it later."""

from collections.abc import Iterator
from html import escape
from typing import Final

import streamlit as st

from ml.core.names import MODEL_NAME
from ml.schema import BY_NAME, FEATURES
from ui import banners, cohort
from ui.i18n.language import _, decimal, format_utc, percent
from ui.i18n.messages import message
from ui.i18n.wording import label_of
from ui.predict import fields, medications
from ui.predict.reliability import MIN_INFORMATION_FOR_RANK, information
from ui.predict.result import Result

KEY: Final = "printout"
_PRINT: Final = "print-now"


def draw(result: Result) -> None:
    """Draw the button, and the page for the printer."""
    if st.button(_("Print"), icon=":material/print:", key="print"):
        st.session_state[_PRINT] = st.session_state.get(_PRINT, 0) + 1
        # Another text each time: the browser runs a script again only if it has changed.
        st.html(f"<script>/* {st.session_state[_PRINT]} */ print()</script>", unsafe_allow_javascript=True)
    with st.container(key=KEY):
        st.html(page(result))


def page(result: Result) -> str:
    """The page as HTML."""
    risk, prediction = percent(result.risk), result.prediction
    source = _("Model {name}, version {version}. Request {request}.").format(
        name=prediction.model.name, version=prediction.model.version, request=prediction.request_id
    )
    inputs = "".join(f"<li><span>{escape(label)}</span> {escape(value)}</li>" for label, value in _inputs(result))
    return (
        f"<h1>{escape(_('Risk of readmission within 30 days'))}: {escape(risk)}</h1>"
        f"<p>{escape(_plain(source))}<br>{escape(format_utc(result.at))}{_trained(result)}</p>"
        f"<h2>{escape(_('Result'))}</h2><ul>{_items(_standing(result))}</ul>"
        f"<h2>{escape(_('Reliability'))}</h2><ul>{_items(_reliability(result))}</ul>"
        f"<h2>{escape(_('Entries'))}</h2><ul class='entries'>{inputs}</ul>"
        f"<h2>{escape(_('Limits'))}</h2><ul>{_items(_limits())}</ul>"
    )


def _items(texts: Iterator[str]) -> str:
    return "".join(f"<li>{escape(_plain(text))}</li>" for text in texts)


def _plain(text: str) -> str:
    """A text without the marks of bold type."""
    return text.replace("**", "")


def _trained(result: Result) -> str:
    if result.model is None:
        return ""
    text = _("{algorithm}, trained {date}, data {version}").format(
        algorithm=result.model.algorithm,
        date=format_utc(result.model.trained_at),
        version=result.model.data_version[:12],
    )
    return f"<br>{escape(text)}"


def _standing(result: Result) -> Iterator[str]:
    model, prediction = result.model, result.prediction
    if prediction.outside_population[0]:
        yield _(
            "**Outside the population of the model:** patients who died or were discharged to hospice care cannot be "
            "readmitted, and the model was fitted without them. Do not use this risk."
        )
    elif model is not None:
        if result.has_rank(result.known):
            band = cohort.band_of(result.risk, model.risk_quantiles)
            yield _("{band} of the test encounters").format(band=band) + "."
            yield cohort.standing(result.risk, model.risk_quantiles)
        else:
            text = _(
                "**No rank:** the known fields hold {share} of the information. Below {least} a rank among patients is "
                "hardly better than a guess."
            )
            share = percent(information(result.known, model.reliability_curve), 0)
            yield text.format(share=share, least=percent(MIN_INFORMATION_FOR_RANK, 0))
        yield cohort.ratio(result.risk, model.prevalence)
    for name, entered in result.excess.items():
        yield fields.excess_text(BY_NAME[name], entered)
    for warning in prediction.warnings:
        yield message(warning.message)


def _reliability(result: Result) -> Iterator[str]:
    prediction = result.prediction
    low, high = prediction.intervals[0]
    yield _("{known} of {all} fields known.").format(known=prediction.known_fields[0], all=len(FEATURES))
    yield _("AUROC with so much known: {auroc} (a guess: 0.5).").format(auroc=decimal(prediction.reliability[0], 2))
    text = _("**Range: {low} to {high}**, which would most likely hold the answer if all fields were known.")
    yield text.format(low=percent(low), high=percent(high))
    if prediction.history[0] == "used":
        yield _("The earlier stays of this patient were taken into account.")


def _inputs(result: Result) -> Iterator[tuple[str, str]]:
    """Labels and values of the entries; medications that are not prescribed are one line. No identifiers."""
    record, system = result.entries
    not_prescribed = [name for name in medications.ALL if record.get(name) == medications.NOT_PRESCRIBED]
    for column in FEATURES:
        if column.name in record and column.name not in not_prescribed:
            yield f"{label_of(column)}:", fields.value_text(column, record[column.name], system)
    if len(not_prescribed) + sum(name in record for name in medications.ALL if name not in not_prescribed) == len(
        medications.ALL
    ):
        yield f"{_('All other diabetes medications')}:", _("Not prescribed")
    else:
        for name in not_prescribed:
            yield f"{label_of(BY_NAME[name])}:", _("Not prescribed")
    if not record.keys() & BY_NAME.keys():
        yield _("Nothing was entered."), ""


def _limits() -> Iterator[str]:
    yield banners.disclaimer()
    yield _("The risk is that of {model} on patients with diabetes of 130 US hospitals; it does not advise.").format(
        model=MODEL_NAME
    )
    yield _("The range covers unknown fields only. It does not cover what no model can know.")
    yield _("Diagnoses in ICD-10-CM count as the ICD-9-CM codes that they are converted to.")
