"""The application with all commands."""

import logging
import sys
from typing import Annotated, Final

import typer
from rich.logging import RichHandler

from ml.cli import data, evaluate, monitor, policy, predict, promotion, report, score, simulate, train
from ml.cli.common import errors, escaped
from ml.cli.operations import audit, retain
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
    promotion.adopt,
    promotion.rotate_signing_key,
    report.report,
    report.card,
    predict.predict,
    score.score,
    monitor.monitor,
    retain.retain,
    audit.audit,
    simulate.simulate,
):
    app.command(name=_command.__name__.removesuffix("_versions").replace("_", "-"))(_command)

app.add_typer(policy.app, name="policy")


class _PlainFormatter(logging.Formatter):
    """Formats messages without control characters, which names and reasons from elsewhere may contain."""

    def format(self, record: logging.LogRecord) -> str:
        """The message, with a traceback if there is one."""
        return escaped(super().format(record))


@app.callback()
def _configure_logging(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results only, no progress.")] = False,
) -> None:
    handler = RichHandler(console=errors, show_path=False, log_time_format="%H:%M:%S")
    handler.setFormatter(_PlainFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("ml").setLevel(logging.WARNING if quiet else logging.INFO)


def main() -> None:
    """Run a command; a :class:`PlatformError` is printed as one sentence and exits with 2."""
    try:
        app()
    except PlatformError as error:
        errors.print(f"Error: {error}", style="red", soft_wrap=True)
        sys.exit(2)
