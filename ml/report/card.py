"""Model card of a version, and its short form for the registry; both in Markdown."""

import re
from typing import Final

from ml.core.names import MODEL_NAME
from ml.data.split import TEST_PERCENT
from ml.report.findings import Findings
from ml.report.language import written_in
from ml.report.template_context import TEMPLATES, template_context
from ml.schema.translations import Language

DESCRIPTION_LIMIT: Final = 4_500
"""Maximum length of a version's description: 5,000 characters in MLflow's database, less the snippet that is added."""


def card(findings: Findings, version: str | None = None, language: Language = Language.ENGLISH) -> str:
    """Render the model card; ``version`` is the number in the registry, if registered."""
    with written_in(language):
        return _render("card.md.j2", findings, version)


def description(findings: Findings) -> str:
    """Render the short card, at most :data:`DESCRIPTION_LIMIT` characters."""
    text = _render("description.md.j2", findings, None)
    return text if len(text) <= DESCRIPTION_LIMIT else text[: DESCRIPTION_LIMIT - 2] + " …"


def first_description(algorithm: str, data_source: str) -> str:
    """Render the description of a version that has no report yet."""
    synthetic = "\n> **Trained on synthetic data.** This version is meaningless for real patients.\n"
    return (
        f"# {algorithm}: risk of readmission within 30 days\n{'' if data_source == 'real' else synthetic}\n"
        "The report, with plots and model card, is made after the gate has decided.\n"
    )


def _render(template: str, findings: Findings, version: str | None) -> str:
    context = template_context(findings, version)
    text = TEMPLATES.get_template(template).render(**context, model_name=MODEL_NAME, test_percent=TEST_PERCENT)
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines) + "\n"
