"""Texts from users and services are printed as they are: no markup, no emoji codes, no terminal sequences."""

import io
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from ml.cli.common import PlainConsole
from ml.cli.main import app
from tests.unit.ml.cli.test_cli import RUNNER

HOSTILE = (
    "[/]", "[bold]", "[link=http://x]y[/link]", "[/red] back", "array[0] is [not] a tag", ":warning: :smile:", "\\[x]",
)  # fmt: skip


def printed(text: str) -> str:
    console, stream = PlainConsole(), io.StringIO()
    console.file = stream
    console.print(text, soft_wrap=True)
    table = Table("reason")
    table.add_row(text)
    console.print(table)
    return stream.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
def test_brackets_and_colons_are_printed_as_they_are(text: str) -> None:
    assert printed(text).count(text) == 2


def test_terminal_sequences_are_shown_as_codes() -> None:
    found = printed("calm\x1b[2J\x07 \x9b31m \u202e")

    assert found.count(r"calm\x1b[2J\x07 \x9b31m \x202e") == 2


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_text_breaks_the_output_or_reaches_the_terminal_as_a_control_character(text: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", printed(text))


def test_log_messages_have_no_control_characters() -> None:
    RUNNER.invoke(app, ["ledger", "--help"])
    from ml.cli.main import _PlainFormatter

    record = logging.LogRecord("ml", logging.INFO, "", 0, "version %s", ("1\x1b[2J",), None)

    assert _PlainFormatter().format(record) == r"version 1\x1b[2J"
