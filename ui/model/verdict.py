"""What the gate said of a version, from the version's tags, in words."""

from datetime import datetime

from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _, format_utc
from ui.i18n.wording import escape

DECISION, RULE, REASON = "gate.decision", "gate.rule", "gate.reason"
DECIDED_AT, REPLACED, ROLLED_BACK = "gate.decided_at", "gate.replaced", "gate.rolled_back"
"""The tags that the gate and a rollback leave."""


def decision(version: RegisteredVersion) -> str:
    """Promoted, refused or not decided yet; and whether the version was withdrawn since."""
    given = version.tag(DECISION)
    words = {"promoted": _("promoted"), "refused": _("refused"), None: _("not decided yet")}
    told = words.get(given) or escape(given)
    if (withdrawn := version.tag(ROLLED_BACK)) is None:
        return told
    return _("{decision}; withdrawn {moment}").format(decision=told, moment=at(withdrawn))


def rule(version: RegisteredVersion) -> str:
    """The rule that settled it."""
    given = version.tag(RULE)
    if given is None:
        return ""
    return rules().get(given) or escape(given)


def rules() -> dict[str, str]:
    """The rules of the gate in words, by what it calls them."""
    return {
        "soundness": _("Its files are sound"),
        "origin": _("Real or synthetic data"),
        "calibration": _("Calibration"),
        "first": _("The first version"),
        "incumbent": _("Production is not sound"),
        "worse": _("Not worse than production"),
        "subgroup": _("No group of patients does worse"),
        "better": _("Better than production"),
        "new_data": _("Equal, with newer data"),
        "new_code": _("Equal, with newer code"),
        "nothing_new": _("Equal, with nothing new"),
        "withdrawn": _("Withdrawn before"),
        "in_production": _("In production already"),
        "unrecorded": _("Not recorded"),
    }


def reason(version: RegisteredVersion) -> str:
    """Why, in the gate's own words."""
    return escape(version.tag(REASON) or "")


def decided(version: RegisteredVersion) -> str:
    """When it was decided."""
    given = version.tag(DECIDED_AT)
    return at(given) if given else ""


def replaced(version: RegisteredVersion) -> str:
    """Which version it took the place of."""
    given = version.tag(REPLACED)
    return _("version {version}").format(version=escape(given)) if given else ""


def at(text: str) -> str:
    """A moment as MLflow keeps it; shown as it is, where it is none."""
    try:
        return format_utc(datetime.fromisoformat(text))
    except ValueError:
        return escape(text)
