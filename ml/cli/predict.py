"""``predict``."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ml.cli.common import open_registry
from ml.schema import FEATURE_NAMES
from ml.schema.code_systems import CODE_SYSTEM, COLUMNS_IN, CodeSystem, ConvertedRecord


def predict(
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON file: {"records": [...]}, also with "code_system": "icd-10-cm"; or - for standard input.'
        ),
    ],
    version: Annotated[str | None, typer.Option(help="Number of the version; default: production.")] = None,
) -> None:
    """Predict records with a registered version, without the API; prints the probabilities as JSON."""
    from ml.evaluation.registered_version import predict as run

    records = _parse(_read(file))
    answer: dict[str, Any] = {"predictions": run(open_registry(), records, version).tolist()}
    if codes := [record.codes for record in records if isinstance(record, ConvertedRecord)]:
        answer["codes"] = codes
    typer.echo(json.dumps(answer))


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}") from None


def _parse(body: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(body)
        records, name = document["records"], document.get(CODE_SYSTEM) or CodeSystem.ICD9
    except (ValueError, TypeError, KeyError):
        raise typer.BadParameter('expected JSON such as {"records": [{"age": "[60-70)"}]}') from None
    if not isinstance(records, list) or not records:
        raise typer.BadParameter("'records' must be a list of at least one record")
    if name not in tuple(CodeSystem):
        raise typer.BadParameter(f"'{CODE_SYSTEM}' must be {' or '.join(CodeSystem)}")
    try:
        return [_canonical(position, record, CodeSystem(name)) for position, record in enumerate(records)]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _canonical(position: int, record: Any, code_system: CodeSystem) -> dict[str, Any]:
    """A record in the spelling of the data set.

    Raises:
        ValueError: the record is invalid.
    """
    if not isinstance(record, dict):
        raise ValueError(f"record {position}: must be an object of feature names and values")
    if unknown := [name for name in record if name not in FEATURE_NAMES]:
        raise ValueError(f"record {position}: there is no feature {unknown[0]!r}")
    valid: dict[str, Any] = {}
    for name, value in record.items():
        column = COLUMNS_IN[code_system][name]
        if value is not None:
            try:
                valid[name] = column.canonical(value)
            except ValueError:
                raise ValueError(f"record {position}: {name} is {value!r}, expected {column.expectation}") from None
    return valid if code_system is CodeSystem.ICD9 else ConvertedRecord(valid)
