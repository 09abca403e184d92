"""Reading a delivered file: csv or zip, intact or damaged."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest

from ml.core.errors import DataSourceError
from ml.data.sources.file import locate, read_chunks
from ml.data.sources.synthetic import write_csv
from ml.schema import COLUMN_NAMES
from tests.unit.ml.tables import write_delivery


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("delivered") / "diabetic_data.csv"
    write_csv(path, 1_500, seed=5)
    return path


def zipped(csv: Path, path: Path, member: str = "diabetic_data.csv") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("IDs_mapping.csv", "admission_type_id,description\n")
        archive.write(csv, member)
    return path


def whole(path: Path, chunk_rows: int = 50_000) -> pd.DataFrame:
    return pd.concat(read_chunks(path, chunk_rows))


@pytest.mark.parametrize("member", ["diabetic_data.csv", "dataset_diabetes/diabetic_data.csv"])
def test_csv_and_zip_read_the_same(csv: Path, tmp_path: Path, member: str) -> None:
    pd.testing.assert_frame_equal(whole(csv), whole(zipped(csv, tmp_path / "data.zip", member)))


def test_a_zip_is_detected_by_its_content(csv: Path, tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(whole(csv), whole(zipped(csv, tmp_path / "mounted-file")))


def test_rows_are_counted_from_one_across_chunks(csv: Path) -> None:
    chunks = list(read_chunks(csv, chunk_rows=400))

    assert [len(chunk) for chunk in chunks] == [400, 400, 400, 300]
    assert list(pd.concat(chunks).index) == list(range(1, 1_501))


def test_unknown_is_na_and_not_measured_is_a_text(tmp_path: Path) -> None:
    row = {"race": None, "max_glu_serum": "None", "A1Cresult": "None", "payer_code": "NA"}
    table = whole(write_delivery(tmp_path / "one.csv", [row]))

    assert tuple(table.columns) == COLUMN_NAMES
    assert pd.isna(table.loc[1, "race"])
    assert list(table.loc[1, ["max_glu_serum", "A1Cresult", "payer_code"]]) == ["None", "None", "NA"]


def test_columns_in_another_order_read_the_same(csv: Path, tmp_path: Path) -> None:
    turned = pd.read_csv(csv, dtype=str, keep_default_na=False)[list(reversed(COLUMN_NAMES))]
    turned.to_csv(tmp_path / "turned.csv", index=False)

    pd.testing.assert_frame_equal(whole(csv), whole(tmp_path / "turned.csv"))


def test_a_missing_column_is_named_with_those_that_are_there_in_its_place(csv: Path, tmp_path: Path) -> None:
    table = pd.read_csv(csv, dtype=str).rename(columns={"race": "ethnicity"})
    table.to_csv(tmp_path / "other.csv", index=False)

    with pytest.raises(DataSourceError, match=r"missing: race; not of the data set: ethnicity\.$"):
        whole(tmp_path / "other.csv")


def test_foreign_columns_are_named_and_not_read(csv: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    table = pd.read_csv(csv, dtype=str, keep_default_na=False)
    table.insert(3, "ward", "x\ny")
    table.to_csv(tmp_path / "wide.csv")  # with the index of pandas

    pd.testing.assert_frame_equal(whole(tmp_path / "wide.csv"), whole(csv))
    assert "Not of the data set, and not read: column 1 without a name, ward" in caplog.text


def test_an_archive_without_the_table_is_refused(csv: Path, tmp_path: Path) -> None:
    with pytest.raises(DataSourceError, match=r"data\.zip holds no diabetic_data\.csv"):
        whole(zipped(csv, tmp_path / "data.zip", "other.csv"))


def test_a_damaged_archive_is_one_sentence(csv: Path, tmp_path: Path) -> None:
    path = zipped(csv, tmp_path / "data.zip")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50] = bytes(50)
    path.write_bytes(content)

    with pytest.raises(DataSourceError, match=r"^data\.zip cannot be read as csv: .*\.$"):
        whole(path)


def test_half_an_archive_is_one_sentence(csv: Path, tmp_path: Path) -> None:
    path = zipped(csv, tmp_path / "data.zip")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(DataSourceError, match=r"^data\.zip "):
        whole(path)


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe\x80binary", b"<html>not found</html>\n<p>\n"])
def test_a_file_that_is_not_a_table_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd").write_bytes(content)

    with pytest.raises(DataSourceError, match=r"^odd ") as caught:
        whole(tmp_path / "odd")
    assert "\n" not in str(caught.value)


def test_a_row_with_too_many_fields_is_one_sentence(csv: Path, tmp_path: Path) -> None:
    lines = csv.read_text().splitlines()
    lines[700] += ",surplus"
    (tmp_path / "wide.csv").write_text("\n".join(lines))

    with pytest.raises(DataSourceError, match=r"^wide\.csv cannot be read as csv: .*line 701.*\.$") as caught:
        whole(tmp_path / "wide.csv")
    assert "\n" not in str(caught.value)


def test_rows_with_a_field_more_than_the_header_are_refused(csv: Path, tmp_path: Path) -> None:
    header, *lines = csv.read_text().splitlines()
    (tmp_path / "wide.csv").write_text("\n".join([header, *(f"{line},x" for line in lines)]))

    with pytest.raises(DataSourceError, match=r"^wide\.csv "):
        whole(tmp_path / "wide.csv")


def test_an_unreadable_file_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "diabetic_data.csv"
    path.write_text("x")
    monkeypatch.setattr("os.access", lambda *_: False)  # root can read every file

    with pytest.raises(DataSourceError, match=r"may not be read by this user: chmod a\+r it"):
        locate(path)
