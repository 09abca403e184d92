"""Lists and reads runbooks: one Markdown file for each alert, named after it."""

import re
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[2] / "docs" / "runbooks"

_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def names(folder: Path = FOLDER) -> list[str]:
    """Names of all runbooks."""
    return sorted(path.stem for path in folder.glob("*.md"))


def read(name: str, folder: Path = FOLDER) -> str | None:
    """The Markdown of a runbook; None if the folder has none of this name.

    The name comes from an address. It is only compared with the listed names, so it cannot lead outside the folder.
    """
    return (folder / f"{name}.md").read_text(encoding="utf-8") if name in names(folder) else None


def rewrite_links(markdown: str, language: str, folder: Path = FOLDER) -> str:
    """Point links to other runbooks to the Runbooks page; links to other files of the repository become text.

    A link opens a new session, which takes its language from the address.
    """
    known = set(names(folder))

    def rewrite(link: re.Match[str]) -> str:
        text, target = link.groups()
        if target.startswith(("http://", "https://", "#")):
            return link[0]
        name = target.partition("#")[0].removesuffix(".md")
        return f"[{text}](?name={name}&language={language})" if name in known else text

    return _LINK.sub(rewrite, markdown)
