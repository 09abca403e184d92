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
    for position, record in enumerate(records):
        if fault := _find_fault(record):
            raise typer.BadParameter(f"record {position}: {fault}")
    return records


def _find_fault(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "must be an object of feature names and values"
    for name, value in record.items():
        if name not in FEATURE_NAMES:
            return f"there is no feature {name!r}"
        column = BY_NAME[name]
        if value is not None and not column.accepts(value):
            return f"{name} is {value!r}, expected {column.expectation}"
    return None
