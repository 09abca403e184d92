"""The language of the interface: words from one catalogue, figures and dates as that language writes them.

English stands in the code and in :mod:`ml.schema`; ``locale/es.po`` holds the Spanish for it, in the usual format of
gettext, read by Babel as it is: there is nothing to compile.
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
"""Where a session keeps its language."""


class Language(StrEnum):
    """The languages there are."""

    ENGLISH = "en"
    SPANISH = "es"


NAMES: Final[Mapping[Language, str]] = {Language.ENGLISH: "English", Language.SPANISH: "Español"}


def current() -> Language:
    """The language of this session; English where there is no session."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return Language.ENGLISH
    return Language(st.session_state.get(KEY) or Language.ENGLISH)


def choose(default: Language, keep: Callable[[], None]) -> None:
    """Draw the choice of language; a session that has not chosen, by click or address, has the default.

    Args:
        default: of the settings.
        keep: called before anything is drawn in the new language: a browser knows the values of a form by their names.
    """
    if KEY not in st.session_state:
        asked = st.query_params.get(KEY, "")
        st.session_state[KEY] = Language(asked) if asked in tuple(Language) else default
    st.segmented_control(
        _("Language"),
        list(Language),
        format_func=NAMES.__getitem__,
        key=KEY,
        on_change=_changed,
        args=(keep,),
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )


def _changed(keep: Callable[[], None]) -> None:
    st.query_params[KEY] = st.session_state[KEY]
    keep()


def _(english: str) -> str:
    """The text in the language of this session."""
    if current() is Language.ENGLISH:
        return english
    return _words(current()).get(english) or english


def counted(one: str, many: str, number: int) -> str:
    """Singular or plural, with ``{number}`` filled in."""
    text = _(one if number == 1 else many)
    return text.replace("{number}", decimal(number, 0))


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 as a percentage: 11.3%, or 11,3 %."""
    places = f".{'0' * digits}" if digits else ""
    return str(format_percent(share, f"#,##0{places}{_PERCENT[current()]}", locale=_locale()))


def decimal(number: float, digits: int = 3) -> str:
    """A number with so many digits after the point, or comma."""
    places = f".{'0' * digits}" if digits else ""
    return str(format_decimal(number, f"#,##0{places}", locale=_locale()))


def moment(at: datetime) -> str:
    """Date and time in UTC, and that it is."""
    return f"{format_datetime(at, 'd MMM y, HH:mm', tzinfo=UTC, locale=_locale())} UTC"


_PERCENT: Final[Mapping[Language, str]] = {Language.ENGLISH: "%", Language.SPANISH: "\u00a0%"}


def _locale() -> Locale:
    return Locale(current().value)


@cache
def catalogue(language: Language) -> Catalog:
    """All texts in a language other than English."""
    with (LOCALES / f"{language}.po").open(encoding="utf-8") as file:
        return read_po(file, locale=language.value)


@cache
def _words(language: Language) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalogue(language) if message.id}
