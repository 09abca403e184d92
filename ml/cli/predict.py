"""``predict``."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ml.cli.common import open_registry
from ml.schema import BY_NAME, FEATURE_NAMES


def predict(
    file: Annotated[Path, typer.Argument(help='JSON file: {"records": [...]}, or - for standard input.')],
    version: Annotated[str | None, typer.Option(help="Number of the version; default: production.")] = None,
) -> None:
    """Predict records with a registered version, without the API; prints the probabilities as JSON."""
    from ml.evaluation.registered_version import predict as run

    records = _parse(_read(file))
    typer.echo(json.dumps({"predictions": run(open_registry(), records, version).tolist()}))


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}") from None


def _parse(body: str) -> list[dict[str, Any]]:
    try:
        records = json.loads(body)["records"]
    except (ValueError, TypeError, KeyError):
        raise typer.BadParameter('expected JSON such as {"records": [{"age": "[60-70)"}]}') from None
    if not isinstance(records, list) or not records:
        raise typer.BadParameter("'records' must be a list of at least one record")
    try:
        return [_canonical(position, record) for position, record in enumerate(records)]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _canonical(position: int, record: Any) -> dict[str, Any]:
    """A record in the spelling of the data set.

    Raises:
        ValueError: the record is invalid.
    """
    if not isinstance(record, dict):
        raise ValueError(f"record {position}: must be an object of feature names and values")
    if unknown := [name for name in record if name not in FEATURE_NAMES]:
        raise ValueError(f"record {position}: there is no feature {unknown[0]!r}")
    try:
        return {name: BY_NAME[name].canonical(value) for name, value in record.items() if value is not None}
    except ValueError as error:
        raise ValueError(f"record {position}: {error}") from None
