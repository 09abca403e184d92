"""Faults and values in sentences, in the language of the person in front of the screen."""

import re

from ml.schema import UNKNOWN, Column, Kind
from ui.clients.errors import (
    Busy,
    Failed,
    FieldFault,
    NoModelYet,
    NotUnderstood,
    Refused,
    Service,
    ServiceError,
    TooSlow,
    Unreachable,
)
from ui.i18n.language import _, decimal

_RANGE = re.compile(r"\[(\d+)-(\d+)\)")


def plain(text: object) -> str:
    """Text of a service or a person, shown as it is: nothing in it is taken for Markdown."""
    return re.sub(r"([\\`*_\[\]$:~<>#|])", r"\\\1", str(text))


def unknown() -> str:
    """What stands for a value that is not known."""
    return _("Unknown")


def label_of(column: Column) -> str:
    """The label with its unit, unless the label already says it."""
    label, unit = _(column.label), _(column.unit) if column.unit else ""
    return label if not unit or unit in label.lower() else f"{label} ({unit})"


def text_of(column: Column, value: str | int) -> str:
    """What a person reads for a value; ``[60-70)`` is read as an age of 60 to 69."""
    if value == UNKNOWN:
        return unknown()
    text = column.text_of(value)
    if found := _RANGE.fullmatch(text):
        low, high = int(found[1]), int(found[2])
        if column.name == "age":
            return _("{low} to {high}").format(low=low, high=high - 1)
        return _("{low} to under {high}").format(low=low, high=high)
    return _(text) if column.allowed else text


def expectation(column: Column) -> str:
    """What a field takes, as half a sentence."""
    if column.kind is Kind.ICD9:
        return _("an ICD-9-CM code such as 428, 250.83, V27 or E909")
    if column.allowed:
        return _("one of {values}").format(values=", ".join(str(value) for value in column.allowed))
    return _("a whole number from {low} to {high}").format(low=column.low, high=column.high)


def service(which: Service) -> str:
    """The name of a service at the beginning of a sentence."""
    return {
        Service.API: _("The prediction API"),
        Service.MLFLOW: "MLflow",
        Service.AIRFLOW: "Airflow",
        Service.PROMETHEUS: "Prometheus",
        Service.LOCUST: "Locust",
    }[which]


def sentence(error: ServiceError) -> str:
    """What went wrong and what to do, in a sentence or two."""
    who = service(error.service)
    match error:
        case Unreachable():
            text = _("{service} cannot be reached at {address}: check that it is running.")
            return text.format(service=who, address=error.address)
        case TooSlow():
            text = _("{service} did not answer within {seconds} seconds: try again in a moment.")
            return text.format(service=who, seconds=decimal(error.seconds, 1 if error.seconds % 1 else 0))
        case NoModelYet():
            return _("There is no production model yet.")
        case Refused(status=401 | 403):
            return _("{service} refused the key of this interface: set the right one and start it again.").format(
                service=who
            )
        case Busy():
            return _("{service} takes no more requests for the moment: try again in a while.").format(service=who)
        case Refused():
            return _("{service} did not accept the request: {said}.").format(service=who, said=error.said.rstrip("."))
        case Failed():
            text = _("{service} answered with status {status}. Its log tells why.")
            if error.said:
                text = _("{service} answered with status {status} and says: {said}. Its log tells why.")
            return text.format(service=who, status=error.status, said=error.said.rstrip("."))
        case NotUnderstood():
            text = _(
                "{service} answered something this page does not understand: "
                "check that its address is right and that both are of the same version."
            )
            return text.format(service=who)
    return str(error)


def fault(found: FieldFault, column: Column | None) -> str:
    """One refused value in the words of the form; the service's own where there is no such field."""
    if column is None:
        return found.message
    given = "" if found.value is None else f" “{found.value}”"
    text = _("{label}{given}: enter {expectation}, or leave it empty for unknown.")
    return text.format(label=label_of(column), given=given, expectation=expectation(column))


def interval(low: float | None, high: float | None, digits: int = 4) -> str:
    """An interval of figures."""
    if low is None or high is None:
        return _("not measured")
    return _("{low} to {high}").format(low=decimal(low, digits), high=decimal(high, digits))
