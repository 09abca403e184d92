"""``report`` and ``card``."""

from pathlib import Path
from typing import Annotated

import typer

from ml.cli.common import console, open_registry
from ml.schema.translations import Language

Number = Annotated[str | None, typer.Argument(metavar="VERSION", help="Number of the version; default: production.")]
LanguageOption = Annotated[Language, typer.Option("--language", help="Language of the text.")]


def report(
    version: Number = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: report-VERSION.html.")] = None,
    language: LanguageOption = Language.ENGLISH,
) -> None:
    """Write the report of a version as one HTML page with all metrics."""
    from ml.report.page import page
    from ml.report.storage import load_findings

    registered, findings = load_findings(open_registry(), version)
    _write(out or Path(f"report-{registered.number}.html"), page(findings, registered.number, language))


def card(
    version: Number = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    language: LanguageOption = Language.ENGLISH,
) -> None:
    """Write the model card of a version, in Markdown."""
    from ml.report.card import card as render
    from ml.report.storage import load_findings

    registered, findings = load_findings(open_registry(), version)
    text = render(findings, registered.number, language)
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error.strerror}", param_hint="--out") from None
    console.print(f"Wrote {file}.")
