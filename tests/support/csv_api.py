"""``POST /predict/csv`` as the API reads a file, with risks that a test can foretell."""

from typing import Any

from api.contract.csv_reader import CsvFile, CsvParser
from api.errors import ApiError
from api.scoring.csv_files import response_header
from ml.schema import PATIENT_ID

VERSION = "3"
DIED = 11


def risk_of(record: dict[str, Any]) -> float:
    """A made-up risk: a hundredth for each inpatient stay, and one."""
    return float(1 + int(record.get("number_inpatient", 0))) / 100


def answer(body: bytes) -> tuple[int, Any]:
    """Status and body, as the API would have them."""
    parser = CsvParser(max_rows=200_000)
    try:
        parser.feed(body)
        file = parser.finish()
    except ApiError as error:
        return error.status, {
            "type": f"urn:readmission:problem:{error.slug}",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            **error.members,
        }
    return 200, response_header(file, interval=False) + b"".join(_lines(file))


def _lines(file: CsvFile) -> list[bytes]:
    found = []
    for line, record in zip(
        (one for block in file.blocks for one in file.lines_of(block)), file.records(), strict=True
    ):
        history = ",none" if PATIENT_ID in file.reader.header.known else ""
        notes = ',"died",' if record.get("discharge_disposition_id") == DIED else ",,"
        cells = file.reader.header.delimiter.join((file.reader.returned(line), str(risk_of(record)), str(len(record))))
        found.append(f"{cells},0.61{history}{notes}\r\n".encode())
    return found
