"""Report and model card in Spanish: no English is left, and figures have a decimal comma."""

import re
from dataclasses import replace
from html import unescape

import pytest

from ml.report.card import card
from ml.report.findings import Findings
from ml.report.page import page
from ml.schema import CITATION
from ml.schema.translations import Language
from tests.support.english import english_in


def words(document: str) -> str:
    """What a person reads or hears, apart from code and the title of the source."""
    text = re.sub(r"<style>.*?</style>|<code.*?</code>|<!--.*?-->|`[^`]*`", " ", document, flags=re.DOTALL)
    spoken = re.findall(r'(?:title|aria-label|data-label)="([^"]*)"', text)
    text = unescape(re.sub(r"<[^>]*>", " | ", text) + " | ".join(spoken))
    return re.sub(r"\s+", " ", text).replace(re.sub(r"\s+", " ", CITATION), " ")


@pytest.fixture(params=["real", "synthetic"])
def documents(findings: Findings, request: pytest.FixtureRequest) -> list[str]:
    """Page and card in Spanish."""
    known = replace(findings, provenance=replace(findings.provenance, data_source=request.param))
    return [write(known, "7", Language.SPANISH) for write in (page, card)]


def test_no_english_is_left(documents: list[str]) -> None:
    for document in documents:
        assert english_in(words(document)) == []


def test_figures_are_those_of_the_english_documents_with_a_decimal_comma(findings: Findings) -> None:
    def figures(document: str) -> list[str]:
        return re.findall(r"(?<![\w.,])[−]?\d[\d.,]*\d", document)

    english, spanish = (
        words(card(findings, "7", language)).partition("LACE")[2] for language in (Language.ENGLISH, Language.SPANISH)
    )
    swap = str.maketrans(".,", ",.")
    tables = [re.findall(r"^\|.*\|$", card(findings, "7", one), flags=re.MULTILINE) for one in Language]
    assert english != spanish
    assert len(tables[0]) == len(tables[1])
    for one, other in zip(*tables, strict=True):
        if "`" not in one and "BMJ" not in one:
            assert [figure.translate(swap) for figure in figures(one)] == figures(other)


def test_documents_in_english_are_not_changed_by_one_in_spanish(findings: Findings) -> None:
    before = page(findings), card(findings)
    assert page(findings, language=Language.SPANISH) != before[0]
    assert (page(findings), card(findings)) == before
    assert '<html lang="es">' in page(findings, language=Language.SPANISH)
