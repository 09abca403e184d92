"""Language of the session: translated texts, and numbers and dates in its format.

The code and :mod:`ml.schema` hold the English texts. ``locale/es.po`` holds the Spanish ones in the gettext format;
Babel reads the file directly, so nothing is compiled.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st
from babel import Locale
from babel.dates import UTC, format_datetime
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from streamlit.runtime.scriptrunner import get_script_run_ctx

LOCALES: Final = Path(__file__).parent / "locale"
KEY: Final = "language"
"""Key of the language in the session state and in the query string."""


class Language(StrEnum):
    """The supported languages."""

    ENGLISH = "en"
    SPANISH = "es"


NAMES: Final[Mapping[Language, str]] = {Language.ENGLISH: "English", Language.SPANISH: "Español"}
_PERCENT: Final[Mapping[Language, str]] = {Language.ENGLISH: "%", Language.SPANISH: "\u00a0%"}


def current_language() -> Language:
    """The language of the session; English outside of a session."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return Language.ENGLISH
    return Language(st.session_state.get(KEY) or Language.ENGLISH)


def selector(default: Language, before_change: Callable[[], None]) -> None:
    """Draw the selector of the language, preset from the query string or the default.

    ``before_change`` is called before the page is drawn in another language, which changes the labels of widgets.
    """
    if KEY not in st.session_state:
        requested = st.query_params.get(KEY, "")
        st.session_state[KEY] = Language(requested) if requested in tuple(Language) else default
    st.segmented_control(
        _("Language"),
        list(Language),
        format_func=NAMES.__getitem__,
        key=KEY,
        on_change=_change,
        args=(before_change,),
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )


def _change(before_change: Callable[[], None]) -> None:
    st.query_params[KEY] = st.session_state[KEY]
    before_change()


def _(english: str) -> str:
    """Translate a text into the language of the session."""
    if current_language() is Language.ENGLISH:
        return english
    return _translations(current_language()).get(english) or english


def counted(one: str, many: str, number: int) -> str:
    """Translate the singular or the plural, and fill in ``{number}``."""
    text = _(one if number == 1 else many)
    return text.replace("{number}", decimal(number, 0))


def percent(share: float, digits: int = 1) -> str:
    """Format a share of 1 as a percentage: 11.3%, or 11,3 %."""
    return str(format_percent(share, f"{_pattern(digits)}{_PERCENT[current_language()]}", locale=_locale()))


def decimal(number: float, digits: int = 3) -> str:
    """Format a number with this many decimals."""
    return str(format_decimal(number, _pattern(digits), locale=_locale()))


def format_utc(at: datetime) -> str:
    """Format date and time in UTC."""
    return f"{format_datetime(at, 'd MMM y, HH:mm', tzinfo=UTC, locale=_locale())} UTC"


def _pattern(digits: int) -> str:
    return f"#,##0.{'0' * digits}" if digits else "#,##0"


def _locale() -> Locale:
    return Locale(current_language().value)


@cache
def catalogue(language: Language) -> Catalog:
    """The catalogue of a language other than English."""
    with (LOCALES / f"{language}.po").open(encoding="utf-8") as file:
        return read_po(file, locale=language.value)


@cache
def _translations(language: Language) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalogue(language) if message.id}
