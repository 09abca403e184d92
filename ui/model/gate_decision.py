"""The gate's decision on a version, read from the version's tags."""

from datetime import datetime

from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _, format_utc
from ui.i18n.messages import message
from ui.i18n.wording import escape

DECISION, RULE, REASON = "gate.decision", "gate.rule", "gate.reason"
DECIDED_AT, REPLACED, ROLLED_BACK = "gate.decided_at", "gate.replaced", "gate.rolled_back"


def facts(version: RegisteredVersion) -> dict[str, str]:
    """Label and text of the decision, its rule, its time and the replaced version; empty for a missing tag."""
    decision, rule = version.tag(DECISION), version.tag(RULE)
    names = {"promoted": _("promoted"), "refused": _("refused"), None: _("not decided yet")}
    text = names.get(decision) or escape(decision)
    if withdrawn := version.tag(ROLLED_BACK):
        text = _("{decision}; withdrawn {moment}").format(decision=text, moment=_moment(withdrawn))
    replaced = version.tag(REPLACED)
    return {
        _("Gate decision"): text,
        _("Deciding rule"): rules().get(rule or "") or escape(rule or ""),
        _("Decided"): _moment(version.tag(DECIDED_AT) or ""),
        _("Replaced"): _("version {version}").format(version=escape(replaced)) if replaced else "",
    }


def rules() -> dict[str, str]:
    """The gate's rules by the values of their tag."""
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
        "superseded": _("Replaced by a later decision"),
        "restored": _("Restored after a change by hand"),
        "unrecorded": _("Not recorded"),
    }


def reason(version: RegisteredVersion) -> str:
    """The gate's reason."""
    return escape(message(version.tag(REASON) or ""))


def _moment(tag: str) -> str:
    try:
        return format_utc(datetime.fromisoformat(tag))
    except ValueError:
        return escape(tag)
