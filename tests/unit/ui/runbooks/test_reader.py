"""Reading runbooks and rewriting their links."""

from pathlib import Path

import pytest

from ui.runbooks import reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "runbooks").mkdir()
    for name in ("ApiSlow", "ApiDown"):
        (tmp_path / "runbooks" / f"{name}.md").write_text(f"# {name}\n")
    (tmp_path / "runbooks" / "notes.txt").write_text("no runbook")
    (tmp_path / "secret.md").write_text("secret")
    return tmp_path / "runbooks"


def test_runbooks_are_listed_by_name(folder: Path) -> None:
    assert reader.names(folder) == ["ApiDown", "ApiSlow"]


def test_a_runbook_is_read_by_its_exact_name(folder: Path) -> None:
    assert reader.read("ApiDown", folder) == "# ApiDown\n"


@pytest.mark.parametrize(
    "name", ["", "apidown", "ApiDown.md", "notes", "../secret", "/etc/passwd", "..", "ApiDown\0", "*", "x" * 5000]
)
def test_other_names_read_no_file(folder: Path, name: str) -> None:
    assert reader.read(name, folder) is None


@pytest.mark.parametrize(
    ("markdown", "rewritten"),
    [
        ("see [ApiSlow](ApiSlow.md).", "see [ApiSlow](?name=ApiSlow&language=es)."),
        (
            "[it](ApiDown.md#do), [that](ApiSlow.md)",
            "[it](?name=ApiDown&language=es), [that](?name=ApiSlow&language=es)",
        ),
        ("[docs](https://example.org/a.md)", "[docs](https://example.org/a.md)"),
        ("[below](#over-when)", "[below](#over-when)"),
        ("[Operations](../operations.md)", "Operations"),
        ("[gone](Gone.md)", "gone"),
        ("[script](javascript:alert)", "script"),
    ],
)
def test_links_lead_to_the_page_or_become_text(folder: Path, markdown: str, rewritten: str) -> None:
    assert reader.rewrite_links(markdown, "es", folder) == rewritten


def test_a_missing_folder_has_no_runbooks(tmp_path: Path) -> None:
    assert reader.names(tmp_path / "none") == []


def test_the_image_carries_the_runbooks() -> None:
    root = Path(__file__).parents[4]
    folder = reader.FOLDER.relative_to(root)
    assert f" {folder}/ {folder}/\n" in (root / "streamlit.dockerfile").read_text()
    context = (root / ".dockerignore").read_text().splitlines()
    assert context.index("docs/*") < context.index(f"!{folder}/")
