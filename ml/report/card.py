"""The model card of a version, and the short form that stands beside it in the registry; both in Markdown."""

import re
from typing import Final

from ml.core.names import MODEL_NAME
from ml.data.split import TEST_PERCENT
from ml.report.findings import Findings
from ml.report.template_context import TEMPLATES, facts

DESCRIPTION_LIMIT: Final = 5_000
"""Characters that MLflow's database has room for in the description of a version."""


def card(findings: Findings, version: str | None = None) -> str:
    """The model card, from what the run measured.

    Args:
        findings: of its run.
        version: its number in the registry, once it has one.
    """
    return _rendered("card.md.j2", findings, version)


def description(findings: Findings) -> str:
    """The card in short, as the description of the version: at most :data:`DESCRIPTION_LIMIT` characters."""
    text = _rendered("description.md.j2", findings, None)
    return text if len(text) <= DESCRIPTION_LIMIT else text[: DESCRIPTION_LIMIT - 2] + " …"


def _rendered(template: str, findings: Findings, version: str | None) -> str:
    known = facts(findings, version)
    text = TEMPLATES.get_template(template).render(**known, model_name=MODEL_NAME, test_percent=TEST_PERCENT)
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines) + "\n"
