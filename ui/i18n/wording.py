"""Translated texts for errors of services, and for fields and values of the schema."""

import re
from typing import Final

from ml.schema import UNKNOWN, Column, Kind, identifiers
from ui.clients import errors
from ui.clients.errors import FieldError, Service, ServiceError
from ui.i18n.language import _, decimal
from ui.i18n.messages import message

_RANGE: Final = re.compile(r"\[(\d+)-(\d+)\)")
"""Ages, and weights in pounds."""


def escape(text: object) -> str:
    """Text from a service or a user with its Markdown characters escaped."""
    return re.sub(r"([\\`*_\[\]$:~<>#|])", r"\\\1", str(text))


def label_of(column: Column) -> str:
    """The label with its unit, unless the label contains the unit."""
    label, unit = _(column.label), _(column.unit) if column.unit else ""
    return label if not unit or unit in label.lower() else f"{label} ({unit})"


def value_label(column: Column, value: str | int) -> str:
    """The label of a value: an age of ``[60-70)`` is 60 to 69, weights have kilograms added."""
    if value == UNKNOWN:
        return _("Unknown")
    text = column.text_of(value)
    if match := _RANGE.fullmatch(text):
        low, high = int(match[1]), int(match[2])
        if column.name == "age":
            return _("{low} to {high}").format(low=low, high=high - 1)
        text = _("{low} to under {high} ({low_kg} to {high_kg} kg)")
        return text.format(low=low, high=high, low_kg=_kilograms(low), high_kg=_kilograms(high))
    if column.unit == "pounds":
        low = int(text.removeprefix(">"))
        return _("over {low} ({low_kg} kg)").format(low=low, low_kg=_kilograms(low))
    return _(text) if column.allowed else text


def _kilograms(pounds: int) -> int:
    return round(pounds * 0.45359237)


def allowed_values(column: Column) -> str:
    """The allowed values of a field, as part of a sentence."""
    if column.kind is Kind.ICD9:
        return _("an ICD-9-CM code such as 428, 250.83, V27 or E909")
    if column.kind is Kind.ICD10:
        return _("an ICD-10-CM code such as E11.9, I50.32 or Z79.4")
    if column.kind is Kind.IDENTIFIER:
        return _("a number, or a text of at most {length} characters").format(length=identifiers.MAX_LENGTH)
    if column.allowed:
        if column.kind is Kind.CODE:
            values = "; ".join(f"{code} {value_label(column, code)}" for code in column.allowed)
        else:
            values = ", ".join(str(value) for value in column.allowed)
        return _("one of {values}").format(values=values)
    return _("a whole number from {low} to {high}").format(low=column.low, high=column.high)


def error_text(error: ServiceError) -> str:
    """What failed and what to do, in one or two sentences."""
    values = {name: value.rstrip(".") if isinstance(value, str) else value for name, value in vars(error).items()}
    if isinstance(error, errors.Unreachable):  # a browser would make a link of an address with its scheme
        values["address"] = error.address.removeprefix("http://").removeprefix("https://")
    if "detail" in values:
        values["detail"] = message(values["detail"])
    if isinstance(error, errors.TimedOut):
        values["seconds"] = decimal(error.seconds, 1 if error.seconds % 1 else 0)
    name = _("The prediction API") if error.service is Service.API else error.service.value
    return _error_template(error).format_map({**values, "service": name})


def _error_template(error: ServiceError) -> str:
    match error:
        case errors.Unreachable():
            return _("{service} cannot be reached at {address}: check that it is running.")
        case errors.TimedOut():
            return _("{service} did not answer within {seconds} seconds: try again in a moment.")
        case errors.NoModelYet(detail=""):
            return _("There is no production model yet.")
        case errors.NoModelYet():
            return _("No model is available: {detail}.")
        case errors.Busy():
            return _("{service} is overloaded: try again later.")
        case errors.Rejected(status=401 | 403):
            return _("{service} rejected the key of this interface: set the right key and restart the interface.")
        case errors.Rejected():
            return _("{service} rejected the request: {detail}.")
        case errors.ServerError(detail=""):
            return _("{service} answered with status {status}. Its log has the reason.")
        case errors.ServerError():
            return _("{service} answered with status {status}: {detail}. Its log has the reason.")
    return _(
        "{service} sent a response of an unexpected format: "
        "check that its address is right and that both have the same version."
    )


def field_error_text(error: FieldError, column: Column | None) -> str:
    """An invalid value with its field and the allowed values; the message of the service if there is no such field."""
    if column is None:
        return message(error.message)
    value = "" if error.value is None else f" “{error.value}”"
    text = _("{label}{value}: enter {allowed}, or leave it empty for unknown.")
    return text.format(label=label_of(column), value=value, allowed=allowed_values(column))


def interval(low: float | None, high: float | None, digits: int = 4) -> str:
    """A confidence interval."""
    if low is None or high is None:
        return _("not measured")
    return _("{low} to {high}").format(low=decimal(low, digits), high=decimal(high, digits))
