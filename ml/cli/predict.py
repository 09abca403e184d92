"""``predict``."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ml.cli.common import check_choice
from ml.core.settings import MlflowSettings
from ml.schema import FEATURE_NAMES, Record
from ml.schema.code_systems import CODE_SYSTEM, COLUMNS_IN, CodeSystem, ConvertedRecord
from ml.schema.files.errors import ErrorGroups, FileError, RowError
from ml.schema.files.reader import FileReader
from ml.schema.files.rows import RowReader

RISK: Final = "readmission_risk"
_BLOCK: Final = 5_000
"""Records predicted at a time."""
_EXPECTED: Final = 'expected JSON such as {"records": [{"age": "[60-70)"}]}, or CSV with a header'


def predict(
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON file: {"records": [...]}, also with "code_system": "icd-10-cm"; CSV file with a header; '
            "or - for standard input."
        ),
    ],
    version: Annotated[str | None, typer.Option(help="Number of the version; default: production.")] = None,
    code_system: Annotated[
        str, typer.Option(help="Of the diagnoses in a CSV file: icd-9-cm or icd-10-cm.")
    ] = "icd-9-cm",
) -> None:
    """Predict records with a registered version, without the API; the patients' earlier stays are unknown.

    Prints the probabilities as JSON; for a CSV file, the file with the column readmission_risk.
    """
    check_choice(code_system, tuple(CodeSystem), "--code-system")
    content = _read(file)
    if content.lstrip()[:1] in (b"{", b"[", b""):
        records = _parse(content)
        answer: dict[str, Any] = {"predictions": _risks(records, version)}
        if codes := [record.codes for record in records if isinstance(record, ConvertedRecord)]:
            answer["codes"] = codes
        typer.echo(json.dumps(answer))
    else:
        reader, lines = _parse_csv(content, CodeSystem(code_system))
        risks = _risks([_converted(reader, reader.read(line)) for line in lines], version)
        typer.echo(reader.line_of([*reader.header.names, RISK]))
        for line, risk in zip(lines, risks, strict=True):
            typer.echo(f"{reader.returned(line)}{reader.header.delimiter}{risk:.6g}")


def _risks(records: Sequence[Record], version: str | None) -> list[float]:
    # Imported only now: a mistake in the file is reported at once.
    from ml.core.sandbox.process import sandboxed
    from ml.registry.bundle_download import downloaded_bundle

    uri = MlflowSettings.load().mlflow_tracking_uri
    blocks = (records[first : first + _BLOCK] for first in range(0, len(records), _BLOCK))
    with downloaded_bundle(uri, version) as directory, sandboxed(directory) as bundle:
        return [risk for block in blocks for risk in bundle.predict(block).tolist()]


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}") from None


def _parse_csv(content: bytes, code_system: CodeSystem) -> tuple[RowReader, list[str]]:
    """The reader of a CSV file, and its lines."""
    file, lines, errors = FileReader((RISK,), code_system), [], ErrorGroups()
    try:
        for place, (number, line) in enumerate([*file.feed(content), *file.finish()]):
            try:
                file.rows.read(line)
            except RowError as error:
                errors.add_row(error, place, number)
            lines.append(line)
        if not lines:
            raise FileError("the file has a header, but no rows")
    except FileError as error:
        raise typer.BadParameter(f"line {error.line}: {error.message}" if error.line else error.message) from None
    for group in errors:
        what = (
            f"{group.column.name} is {group.text!r}, expected {group.column.expectation}"
            if group.column
            else group.text
        )
        others = f" (lines with this error: {group.count})" if group.count > 1 else ""
        raise typer.BadParameter(f"line {group.lines[0]}: {what}{others}")
    return file.rows, lines


def _converted(reader: RowReader, record: Record) -> Record:
    return record if reader.code_system is CodeSystem.ICD9 else ConvertedRecord(record)


def _parse(body: bytes) -> list[dict[str, Any]]:
    try:
        document = json.loads(body)
        records, name = document["records"], document.get(CODE_SYSTEM) or CodeSystem.ICD9
    except (ValueError, TypeError, KeyError):
        raise typer.BadParameter(_EXPECTED) from None
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
