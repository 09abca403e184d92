"""The catalogue of the reports holds every text of templates, captions and plots, each translated, and nothing else."""

import ast
from collections.abc import Iterator
from functools import cache
from string import Formatter

from babel.messages.pofile import read_po
from jinja2.ext import extract_from_ast

from ml.report import language
from ml.report.analysis.characteristics import DRAWN, LINES
from ml.report.analysis.robustness import KNOWN
from ml.report.analysis.subgroups import FACTORS, ORDER, REMAINING
from ml.report.template_context import COMPARED, FOLDER, TEMPLATES
from ml.schema.translations import FOLDER as OF_THE_SCHEMA
from ml.schema.translations import Language

PROVENANCE = ("real", "synthetic", "uci", "file")
"""Values of the tags and settings that templates translate."""


def of_the_templates() -> Iterator[str]:
    for path in FOLDER.glob("*.j2"):
        for _line, _function, text in extract_from_ast(TEMPLATES.parse(path.read_text()), ("_",), babel_style=False):
            if isinstance(text, tuple):
                text = next(part for part in text if part is not None)
            if text is not None:
                yield text


def of_the_modules() -> Iterator[str]:
    for path in FOLDER.parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    yield str(text.value)


def of_the_findings() -> Iterator[str]:
    yield from (name for name, _key in COMPARED if name != "AUROC")
    yield from (*FACTORS, *ORDER, *LINES, *KNOWN, *PROVENANCE, DRAWN, REMAINING)


@cache
def translations() -> dict[str, str]:
    with (language.FOLDER / "es.po").open(encoding="utf-8") as file:
        return {str(one.id): str(one.string) for one in read_po(file) if one.id and not one.fuzzy}


@cache
def of_the_schema() -> set[str]:
    with (OF_THE_SCHEMA / "es.po").open(encoding="utf-8") as file:
        return {str(one.id) for one in read_po(file) if one.id}


def expected() -> set[str]:
    texts = {*of_the_templates(), *of_the_modules(), *of_the_findings()}
    return {text for text in texts if any(map(str.isalpha, text))} - of_the_schema()


def test_every_text_has_a_translation() -> None:
    assert expected() - {english for english, text in translations().items() if text} == set()


def test_the_catalogue_has_no_unused_text() -> None:
    assert translations().keys() - expected() == set()


def test_every_placeholder_is_kept() -> None:
    def names(text: str) -> set[str]:
        return {name for _literal, name, _spec, _conversion in Formatter().parse(text) if name}

    assert [english for english, text in translations().items() if names(english) != names(text)] == []


def test_there_is_a_catalogue_of_every_other_language() -> None:
    found = {path.stem for path in language.FOLDER.glob("*.po")}
    assert found == {one.value for one in Language if one is not Language.ENGLISH}
