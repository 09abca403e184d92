"""Languages, and the folder of the translations of the schema: a gettext file ``CODE.po`` for each language."""

from enum import StrEnum
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "locale"


class Language(StrEnum):
    """The languages of the interface and of the reports."""

    ENGLISH = "en"
    SPANISH = "es"

    def file(self, name: str) -> str:
        """The name of a file in this language: ``report.html``, ``report.es.html``."""
        stem, _dot, suffix = name.rpartition(".")
        return name if self is Language.ENGLISH else f"{stem}.{self}.{suffix}"

    def folder(self, name: str) -> str:
        """The folder of files in this language: ``plots``, ``plots/es``."""
        return name if self is Language.ENGLISH else f"{name}/{self}"
