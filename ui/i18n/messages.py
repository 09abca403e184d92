"""Messages that services and the file reader write in English, in the language of the session.

A service has no language: it answers programs. Its messages are told apart by their form, with templates of which the
catalogue has the translations. A message of an unknown form stays as it is.
"""

import re
from functools import cache
from string import Formatter
from typing import Final

from ml.schema.translations import Language
from ui.i18n.alert_summaries import SUMMARIES, template
from ui.i18n.language import _, current_language

_NUMBER: Final = r"[+-]?(?:\d[\d.,]*(?:e[+-]?\d+)?|nan|inf)"
_SHARE: Final = r"[\d.]+%"
_FORMS: Final = {
    "share": _SHARE,
    **dict.fromkeys(("value", "low", "high", "limit", "number", "all", "most", "version", "other"), _NUMBER),
    **dict.fromkeys(("field", "column"), r"[\w-]+"),
    "interval": rf"{_NUMBER} \({_NUMBER} to {_NUMBER}\)",
}
"""Forms of placeholders; every other one holds any text, which may be a message itself."""


TEMPLATES: Final = (
    # Of ml.promotion
    template("the bundle is not sound: {fault}"),
    template("it was not measured"),
    template("it was trained on synthetic data and production on real data"),
    template("it was trained on real data and production on synthetic data"),
    template("the first version"),
    template("the present production version is not sound: {fault}"),
    template("calibration in the large is {interval}, beyond {limit} logits"),
    template("the calibration error is {interval}, more than the {value} that {limit} may look like by chance"),
    template("the calibration slope is {interval}, outside {low} to {high}"),
    template("{metric} is shown to be worse: {interval}"),
    template("{metric} is worse by more than {limit}: {interval}"),
    template("{metric} is better: {interval}"),
    template("for {group} ({number} of {all} encounters readmitted) AUROC falls: {interval}"),
    template("for {group} ({number} of {all} encounters readmitted) calibration in the large gets worse: {interval}"),
    template("it equals version {version} (AUROC {interval}) and was trained on the present data"),
    template("it equals version {version} (AUROC {interval}) and was made by the present code"),
    template("it equals version {version} and has neither newer data nor newer code"),
    template("it is in production already"),
    template("it was withdrawn on {moment}"),
    template("version {version} is production again and version {other} is withdrawn"),
    template("production pointed to {before} and now points to {after}, which nobody decided here"),
    template("version {version}"),
    template("no version"),
    template("average precision"),
    template("Brier score"),
    template("{value} ({low} to {high})"),
    # Of ml.core.bundle and the API
    template("The manifest of the model cannot be read: {detail}"),
    template("{file} does not match its checksum in the manifest"),
    template("The graph has other inputs than the schema: {detail}"),
    template("The golden requests fail: a prediction differs by {value}, the tolerance is {limit}"),
    template("The golden requests cannot be read: {detail}"),
    template("The bundle holds no golden requests"),
    template("The graph fails on a golden request: {detail}"),
    template("The graph cannot be loaded: {detail}"),
    template("no production model yet: run train_models_diabetes_simple"),
    template("Not found; the routes are listed under /docs"),
    template("PostgreSQL is unavailable; try again in a moment"),
    # Of api.scoring.record_checks
    template("number_diagnoses is {number}, but the record has {all} diagnoses"),
    template("{field} {code} is a diagnosis of {subject}, but gender is {gender}"),
    template("{field} {code} is a diagnosis of {subject}, but age is {age}"),
    template("diabetesMed is No, but {field} is {dose}"),
    template("change is Ch, but diabetesMed is No"),
    template("change is No, but the dose of {field} is {dose}"),
    template("gender is {gender}, but the stored stays of this patient_nbr are of another sex"),
    template("age is {age}, but the stored stays of this patient_nbr are of an older patient"),
    template("pregnancy or birth"),
    template("the female genital organs"),
    template("the male genital organs"),
    template("a newborn"),
    # Of ml.schema.files and ui.batch
    template("the header names {number} columns; at most {most} are read"),
    template("the first line must name the columns"),
    template("the header names column '{column}' twice"),
    template("column '{name}' belongs to a result; send the file without it"),
    template("unknown field '{name}'; did you mean '{column}'? If it is another column, rename it"),
    template("no column of the header is of the data set; unknown field '{name}'; did you mean '{column}'?"),
    template("no column of the header is of the data set; unknown field '{name}'; the fields are listed under /docs"),
    template("the line has {number} values, the header names {all}"),
    template("the file is an Excel workbook or a zip archive, not CSV: save it as CSV"),
    template("the file is an old Excel workbook, not CSV: save it as CSV"),
    template("the file is compressed, not CSV: unpack it"),
    template("the file is a PDF document, not CSV"),
    template("the file is not text: it begins like UTF-16, and is not"),
    template("the file is not text: it holds a null byte"),
    template("the line has more than {most} bytes"),
    template("the line has a quotation mark that is not closed"),
    template("the file is empty; its first line must name the columns"),
    template("the file has a header, but no rows"),
    template("the file has more than {most} rows: split it, and upload one part after another"),
    template("the workbook unpacks to more than {most} bytes: save it as CSV"),
    template("the file cannot be read as an Excel workbook: {detail}"),
    template("the file has no column {column}: its first line must name encounter_id and readmitted"),
    template("encounter_id is empty"),
    template(
        "encounter_id is '{name}', not a whole number from {low} to {high}, or a text of {number} to {most} characters"
    ),
    template("readmitted is '{name}', expected <30, >30 or NO (yes and no are read too)"),
    template("known_on is '{name}', expected a day such as 2026-11-20"),
    *SUMMARIES,
)


def message(english: str) -> str:
    """A message of a service or of the file reader in the language of the session."""
    if current_language() is Language.ENGLISH:
        return english
    text, dot = english.removesuffix("."), "." if english.endswith(".") else ""
    for form, known in _forms():
        if found := form.fullmatch(text):
            return _(known).format_map({name: _part(name, part) for name, part in found.groupdict().items()}) + dot
    return english


def _part(name: str, text: str) -> str:
    """A part of a message: a number in the notation of the language, or a message of its own."""
    if _FORMS.get(name) in (_NUMBER, _SHARE):
        return text.translate(str.maketrans(".,", ",.")).replace("%", "\u00a0%")
    return message(text)


@cache
def _forms() -> list[tuple[re.Pattern[str], str]]:
    return [(_pattern(one), one) for one in TEMPLATES]


def _pattern(english: str) -> re.Pattern[str]:
    parts = []
    for literal, name, _spec, _conversion in Formatter().parse(english):
        parts.append(re.escape(literal))
        if name:
            parts.append(f"(?P<{name}>{_FORMS.get(name, '.+?')})")
    return re.compile("".join(parts), re.DOTALL)
