"""README.es.md holds the same commands, addresses, links and tables as README.md."""

import re

import pytest

from tests.support.readme import ROOT, commands

ENGLISH, SPANISH = ((ROOT / name).read_text() for name in ("README.md", "README.es.md"))
OTHER_LANGUAGE = {"README.md", "README.es.md"}


def tables(text: str) -> list[list[str]]:
    """Of each row of each table: how many columns it has, and the code and addresses in it."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            found.append([])
            continue
        same = re.findall(r"`[^`]+`|http\S+|localhost:\d+", line)
        found[-1].append(" ".join([str(line.count("|")), *same]))
    return [rows for rows in found if rows]


def outside_of_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def test_the_commands_are_the_same() -> None:
    assert commands("README.es.md") == commands("README.md")


def test_the_addresses_are_the_same() -> None:
    found = [re.findall(r"(?:https?://)?localhost:\d+[^\s|`)]*|https?://[^\s)]+", text) for text in (ENGLISH, SPANISH)]
    assert found[0]
    assert found[0] == found[1]


def test_the_links_and_pictures_are_the_same() -> None:
    found = [
        [link for link in re.findall(r"\]\(([^)]+)\)", text) if link not in OTHER_LANGUAGE]
        for text in (ENGLISH, SPANISH)
    ]
    assert found[0] == found[1]


def test_the_tables_have_the_same_rows() -> None:
    assert tables(SPANISH) == tables(ENGLISH)


def test_the_parts_are_as_many() -> None:
    assert SPANISH.count("\n## ") == ENGLISH.count("\n## ")
    assert SPANISH.count("\n```") == ENGLISH.count("\n```")


@pytest.mark.parametrize("pattern", [r"`[A-Z_]{4,}[^`]*`", r"`/[a-z]+`", r"`[a-z_]+`"])
def test_names_of_settings_routes_and_programs_are_the_same(pattern: str) -> None:
    found = [sorted(set(re.findall(pattern, outside_of_code(text)))) for text in (ENGLISH, SPANISH)]
    assert found[0] == found[1]
