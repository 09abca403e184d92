"""Model card: complete, with provenance, and the published card follows the template."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml.cli.main import app
from ml.report.card import DESCRIPTION_LIMIT, card, description
from ml.report.findings import Findings
from ml.report.formatting import with_interval
from ml.report.page import page

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("write", [page, card, description])
def test_synthetic_data_are_stated_before_any_metric(write: object, findings: Findings) -> None:
    synthetic = replace(findings, provenance=replace(findings.provenance, data_source="synthetic"))
    text = write(synthetic)  # type: ignore[operator]

    assert 0 < text.lower().index("synthetic data.") < text.index("AUROC")
    assert "synthetic data." not in write(findings).lower()  # type: ignore[operator]


def test_the_card_is_complete(findings: Findings) -> None:
    text = card(findings, "7")

    assert not re.search(r"{{|}}|{%|None|nan|\|\s*\n\n\|", text)
    assert with_interval(findings.metrics["auroc"]) in text
    assert "version 7 of `diabetes-readmission`" in text
    assert len(re.findall(r"^## ", text, flags=re.MULTILINE)) >= 12


def test_every_table_of_the_card_is_rectangular(findings: Findings) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", card(findings), flags=re.MULTILINE)

    assert len(tables) >= 9
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_the_description_fits_the_limit_of_the_registry(findings: Findings) -> None:
    assert 500 < len(description(findings)) <= DESCRIPTION_LIMIT


def test_the_published_card_has_the_sections_of_the_template_and_a_provenance(findings: Findings) -> None:
    published = (ROOT / "docs" / "model-card.md").read_text()
    expected = [line for line in card(findings).splitlines() if line.startswith("#")]

    assert [line for line in published.splitlines() if line.startswith("#")] == expected
    assert re.search(r"^\| Data \| real, delivered by \w+, version `[0-9a-f]{64}` \|$", published, flags=re.MULTILINE)
    assert re.search(r"^\| Code \| version `[0-9a-f]{64}` \|$", published, flags=re.MULTILINE)
    assert re.search(r"^\| Model \| .+, version \d+ of `diabetes-readmission` \|$", published, flags=re.MULTILINE)


@pytest.mark.parametrize("command", ["report", "card"])
def test_the_commands_have_a_help_text(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])

    assert result.exit_code == 0
    assert "VERSION" in result.output
