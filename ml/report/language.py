"""Language of a report: English texts are the keys, ``locale/es.po`` and that of ml.schema hold the Spanish ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel.messages.pofile import read_po
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from ml.schema.translations import FOLDER as OF_THE_SCHEMA
from ml.schema.translations import Language

FOLDER: Final = Path(__file__).parent / "locale"

_CURRENT: Final = ContextVar("language of the report", default=Language.ENGLISH)


def current_language() -> Language:
    """The language that is being written; English unless :func:`written_in` says otherwise."""
    return _CURRENT.get()


@contextmanager
def written_in(language: Language) -> Iterator[None]:
    """Write texts and numbers in a language."""
    token = _CURRENT.set(language)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def _(english: str, **values: object) -> str:
    """Translate a text, and fill in its placeholders."""
    text = _texts(current_language()).get(english, english)
    return text.format(**values) if values else text


@pass_eval_context
def in_template(context: EvalContext, english: str, **values: Any) -> str:
    """Translate a text of a template; values are escaped in HTML."""
    text = _(str(english))
    if context.autoescape:
        text = Markup(text)  # noqa: S704  a text of a template or the catalogue
    return text.format(**values) if values else text


@cache
def _texts(language: Language) -> dict[str, str]:
    if language is Language.ENGLISH:
        return {}
    texts: dict[str, str] = {}
    for folder in (OF_THE_SCHEMA, FOLDER):
        with (folder / f"{language}.po").open(encoding="utf-8") as file:
            texts |= {str(one.id): str(one.string) for one in read_po(file) if one.id}
    return texts
