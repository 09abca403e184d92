"""``report`` and ``card``."""

from pathlib import Path
from typing import Annotated

import typer

from ml.cli.common import app, console, registry_of
from ml.core.settings import MlflowSettings

Number = Annotated[str | None, typer.Argument(metavar="VERSION", help="Number of the version; default: production.")]


@app.command()
def report(
    version: Number = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: report-VERSION.html.")] = None,
) -> None:
    """Write the report of a version, with all figures, as one HTML page."""
    from ml.report.page import page
    from ml.report.storage import load_findings

    found, findings = load_findings(registry_of(MlflowSettings.load()), version)
    _write(out or Path(f"report-{found.number}.html"), page(findings, found.number))


@app.command()
def card(
    version: Number = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
) -> None:
    """Write the model card of a version, in Markdown."""
    from ml.report.card import card as card_of
    from ml.report.storage import load_findings

    found, findings = load_findings(registry_of(MlflowSettings.load()), version)
    text = card_of(findings, found.number)
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
