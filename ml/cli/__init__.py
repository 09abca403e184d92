"""The command line: the same steps that the DAGs run, for a terminal. One module per kind of command."""

import sys

from ml.cli import data, evaluate, monitor, predict, promotion, report, simulate, train
from ml.cli.common import app, errors
from ml.core.errors import PlatformError

__all__ = ["app", "data", "evaluate", "main", "monitor", "predict", "promotion", "report", "simulate", "train"]


def main() -> None:
    """Run the command line; an error that a user can act on is one sentence and exit code 2."""
    try:
        app()
    except PlatformError as error:
        errors.print(f"[bold red]Error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2)
