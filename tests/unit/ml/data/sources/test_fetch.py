"""Fetching the configured source, without UCI."""

from pathlib import Path

import pytest

from ml.core.errors import DataSourceError
from ml.core.settings import MlSettings
from ml.data.sources.fetch import fetch
from ml.data.sources.file import read_chunks


def settings(**values: object) -> MlSettings:
    return MlSettings.load(_env_file=None, diabetes_db_password="unused", **values)


def test_source_file_without_a_file_names_the_setting() -> None:
    with pytest.raises(DataSourceError, match=r"^DATA_SOURCE=file needs DATA_FILE"):
        fetch(settings(data_source="file"))


@pytest.mark.parametrize("source", ["file", "auto"])
def test_a_missing_data_file_is_named(tmp_path: Path, source: str) -> None:
    with pytest.raises(DataSourceError, match=r"^DATA_FILE=.*nowhere\.csv is not a file"):
        fetch(settings(data_source=source, data_file=tmp_path / "nowhere.csv"))


def test_auto_uses_the_configured_file(tmp_path: Path) -> None:
    csv = tmp_path / "diabetic_data.csv"
    csv.touch()
    delivery = fetch(settings(data_source="auto", data_file=csv))

    assert (delivery.source, delivery.provenance, delivery.path) == ("file", "real", csv)


def test_a_synthetic_cohort_is_generated_once(tmp_path: Path) -> None:
    wanted = settings(data_source="synthetic", data_dir=tmp_path / "deep", synthetic_rows=600, synthetic_seed=9)
    first = fetch(wanted)
    written = first.path.stat().st_mtime_ns
    again = fetch(wanted)

    assert (first.source, first.provenance) == ("synthetic", "synthetic")
    assert sum(map(len, read_chunks(first.path))) == 600
    assert again.path.stat().st_mtime_ns == written
