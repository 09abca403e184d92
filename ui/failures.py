"""Uncaught exceptions of pages, callbacks, fragments and background jobs: counted, logged with an id, and shown."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Final

import streamlit as st
from streamlit.runtime.stats import CounterStat, StatsProvider

from ui.i18n.language import _

FAMILY: Final = "ui_uncaught_exceptions"
LOGGED: Final = "uncaught exception"
"""Begins the log line."""

log = logging.getLogger(__name__)


class Counter(StatsProvider):
    """Exports the number of uncaught exceptions on the metrics page of Streamlit."""

    def __init__(self) -> None:
        self._count, self._lock = 0, Lock()

    @property
    def stats_families(self) -> Sequence[str]:
        """Names of the exported metrics."""
        return (FAMILY,)

    def increment(self) -> None:
        """Count one exception."""
        with self._lock:
            self._count += 1

    def get_stats(self, _family_names: Sequence[str] | None = None) -> Mapping[str, Sequence[CounterStat]]:
        """The metric."""
        return {FAMILY: [CounterStat(FAMILY, self._count, help="Uncaught exceptions of the user interface.")]}


counter: Final = Counter()


def record(error: BaseException) -> str:
    """Count and log an uncaught exception; returns its id."""
    counter.increment()
    name = secrets.token_hex(4)
    log.error("%s %s", LOGGED, name, exc_info=error)
    return name


def report(error: Exception) -> bool:
    """Record and show an uncaught exception; True replaces the text of Streamlit."""
    name = record(error)
    text = _(
        "This part of the page failed because of a fault in the interface. Reload the page to go on. If it happens "
        "again, give this number to whoever runs the platform: {name}. It stands in the log beside the reason."
    )
    st.error(text.format(name=f"`{name}`"), icon=":material/error:")
    return True
