"""Language of the session: translated texts, and numbers and dates in its format.

The code and :mod:`ml.schema` hold the English texts. ``locale/es.po`` and ``ml/schema/locale/es.po`` hold the Spanish
ones in the gettext format; Babel reads the files directly, so nothing is compiled.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
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

from ml.schema.translations import FOLDER as OF_THE_SCHEMA
from ml.schema.translations import Language
from ui.settings import AUTO

LOCALES: Final = Path(__file__).parent / "locale"
KEY: Final = "language"
"""Key of the language in the session state and in the query string."""
_CHOSEN: Final = "language-was-chosen"

NAMES: Final[Mapping[Language, str]] = {Language.ENGLISH: "English", Language.SPANISH: "Español"}
_PERCENT: Final[Mapping[Language, str]] = {Language.ENGLISH: "%", Language.SPANISH: "\u00a0%"}


def current_language() -> Language:
    """The language of the session; English outside of a session."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return Language.ENGLISH
    return Language(st.session_state.get(KEY) or Language.ENGLISH)


def selector(default: str, before_change: Callable[[], None]) -> None:
    """Draw the selector of the language, preset from the query string, the default or the browser, in this order.

    ``before_change`` is called before the page is drawn in another language, which changes the labels of widgets.
    """
    if KEY not in st.session_state:
        requested = st.query_params.get(KEY, "")
        st.session_state[_CHOSEN] = requested in tuple(Language)
        if st.session_state[_CHOSEN]:
            st.session_state[KEY] = Language(requested)
        else:
            st.session_state[KEY] = _of_browser() if default == AUTO else Language(default)
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
    # Links between pages drop the query string, and after a reload the session has nothing else to remember it by.
    if st.session_state[_CHOSEN] and st.query_params.get(KEY) != st.session_state[KEY]:
        st.query_params[KEY] = st.session_state[KEY]


def _of_browser() -> Language:
    """The first language of the browser's list that is supported; English without any."""
    accepted = [one.partition(";")[0] for one in st.context.headers.get("Accept-Language", "").split(",")]
    codes = [tag.strip().lower().partition("-")[0] for tag in (st.context.locale or "", *accepted)]
    return next((Language(code) for code in codes if code in tuple(Language)), Language.ENGLISH)


def _change(before_change: Callable[[], None]) -> None:
    st.session_state[_CHOSEN] = True
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
    """The texts of the interface and of the schema in a language other than English."""
    found = Catalog(locale=language.value)
    for folder in (OF_THE_SCHEMA, LOCALES):
        with (folder / f"{language}.po").open(encoding="utf-8") as file:
            for message in read_po(file, locale=language.value):
                found[message.id] = message
    return found


@cache
def _translations(language: Language) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalogue(language) if message.id}
