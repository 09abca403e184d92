"""docs/files.md: every kind of file in its table is read by the API, the Batch page and the ingestion alike."""

import re
from pathlib import Path

import pandas as pd
import pytest

from api.contract.csv_reader import CsvParser
from ml.data.sources.file import read_chunks
from ml.data.sources.synthetic import write_csv
from ml.data.validation import validate
from ml.schema import TARGET, Record
from tests.support.delivered_files import VARIANTS, as_workbook
from ui.batch.delivered_file import DeliveredFile

ROWS = 300


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    path = tmp_path_factory.mktemp("files") / "data.csv"
    write_csv(path, ROWS, seed=7)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def of_the_api(content: bytes) -> list[Record]:
    parser = CsvParser(ROWS)
    parser.feed(content)
    return parser.finish().records()


def of_batch(content: bytes) -> list[Record]:
    file = DeliveredFile(content)
    records = map(file.record, file.rows)
    return [{name: value for name, value in record.items() if name != TARGET} for record in records]


def of_the_ingestion(content: bytes, folder: Path) -> str:
    (folder / "delivered").write_bytes(content)
    return validate(read_chunks(folder / "delivered"), len, len, 0).content_sha256


@pytest.mark.parametrize("name", VARIANTS)
def test_every_kind_of_file_is_read_alike(name: str, table: pd.DataFrame, tmp_path: Path) -> None:
    delivered, content = (VARIANTS[one](table) for one in ("as delivered by UCI", name))

    assert of_the_api(content) == of_batch(content) == of_the_api(delivered)
    assert of_the_ingestion(content, tmp_path) == of_the_ingestion(delivered, tmp_path)


def test_a_workbook_is_read_like_a_file(table: pd.DataFrame) -> None:
    assert of_batch(as_workbook(table)) == of_batch(VARIANTS["as delivered by UCI"](table))


def test_the_table_of_the_documentation_has_every_kind() -> None:
    rows = re.findall(r"^\| ([^|]+?) \| [^|]+ \| [^|]+ \|$", Path("docs/files.md").read_text(), re.MULTILINE)

    assert rows[1:] == [*VARIANTS, "Excel workbook `.xlsx` (Batch only)"]
