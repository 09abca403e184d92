"""The application with all commands."""

import logging
import sys
from typing import Annotated, Final

import typer
from rich.logging import RichHandler

from ml.cli import data, evaluate, monitor, predict, promotion, report, simulate, train
from ml.cli.common import errors
from ml.core.errors import PlatformError

app: Final = typer.Typer(
    help="Ingest encounters, train and tune models, and decide which one is in production.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (
    data.migrate,
    data.ingest,
    train.train,
    train.tune,
    evaluate.evaluate,
    promotion.promote,
    promotion.rollback,
    promotion.list_versions,
    promotion.ledger,
    promotion.reproduce,
    report.report,
    report.card,
    predict.predict,
    monitor.monitor,
    simulate.simulate,
):
    app.command(name=_command.__name__.removesuffix("_versions"))(_command)


@app.callback()
def _configure_logging(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results only, no progress.")] = False,
) -> None:
    handler = RichHandler(console=errors, show_path=False, log_time_format="%H:%M:%S")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("ml").setLevel(logging.WARNING if quiet else logging.INFO)


def main() -> None:
    """Run a command; a :class:`PlatformError` is printed as one sentence and exits with 2."""
    try:
        app()
    except PlatformError as error:
        errors.print(f"[bold red]Error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2)
