"""The source ``uci``, with a server that imitates UCI."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from ml.core.errors import DataSourceError
from ml.core.proxies import bypass_proxy
from ml.core.settings import MlSettings
from ml.data.sources.fetch import fetch
from ml.data.sources.file import read_chunks
from ml.data.sources.synthetic import write_csv
from tests.integration.ml.data.sources.uci_server import Uci, running_uci


def as_hosted(delivered: pd.DataFrame) -> bytes:
    """UCI's own table has empty fields where the archive's has question marks."""
    return delivered.to_csv(index=False).encode()


@pytest.fixture(scope="module")
def delivered(genuine_file: Path) -> pd.DataFrame:
    return pd.concat(read_chunks(genuine_file))


@pytest.fixture(scope="module")
def hosted(delivered: pd.DataFrame) -> bytes:
    return as_hosted(delivered)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Uci]:
    """A server with an incomplete data set."""
    write_csv(tmp_path / "small.csv", 600, seed=1)
    with running_uci(as_hosted(next(read_chunks(tmp_path / "small.csv")))) as uci:
        yield uci


def settings(uci: Uci, folder: Path, **more: object) -> MlSettings:
    quick = {"data_source": "uci", "uci_attempts": 1, "uci_timeout_seconds": 120, "uci_url": uci.url, **more}
    return MlSettings.load(_env_file=None, diabetes_db_password="unused", data_dir=folder, **quick)


def test_uci_delivers_the_table_of_the_archive_and_is_cached(
    hosted: bytes, delivered: pd.DataFrame, tmp_path: Path
) -> None:
    with running_uci(hosted) as uci:
        uci.failures = 1  # which the second attempt makes good
        delivery = fetch(settings(uci, tmp_path / "kept", uci_attempts=2))
        asked = len(uci.requests)
        again = fetch(settings(uci, tmp_path / "kept"))

    assert (delivery.source, delivery.provenance) == ("uci", "real")
    pd.testing.assert_frame_equal(pd.concat(read_chunks(delivery.path)), delivered)
    assert again == delivery
    assert len(uci.requests) == asked == 3
    assert list((tmp_path / "kept").iterdir()) == [delivery.path], "nothing else is left behind"


def test_an_incomplete_data_set_is_refused_and_not_cached(small: Uci, tmp_path: Path) -> None:
    with pytest.raises(DataSourceError, match=r"UCI delivered 600 encounters in place of 101766") as caught:
        fetch(settings(small, tmp_path / "kept"))

    assert "Set DATA_FILE" in str(caught.value)
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_hanging_server_times_out(small: Uci, tmp_path: Path) -> None:
    small.hang.set()

    with pytest.raises(DataSourceError, match="in 2 attempts: UCI did not deliver within 3 seconds"):
        fetch(settings(small, tmp_path / "kept", uci_attempts=2, uci_timeout_seconds=3))

    assert list((tmp_path / "kept").iterdir()) == []


def test_a_failing_server_is_one_sentence(small: Uci, tmp_path: Path) -> None:
    small.failures = 100

    with pytest.raises(DataSourceError, match=r"The download from UCI failed: ConnectionError: .*\. Set ") as caught:
        fetch(settings(small, tmp_path / "kept"))

    assert "\n" not in str(caught.value)
    assert ".." not in str(caught.value)


def test_auto_falls_back_to_synthetic_data_with_a_warning(
    small: Uci, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small.failures = 100
    delivery = fetch(settings(small, tmp_path / "kept", data_source="auto", synthetic_rows=500))

    assert delivery.provenance == "synthetic"
    assert "SYNTHETIC DATA" in caplog.text
    assert "UCI could not be reached" in caplog.text


def test_the_download_uses_the_proxy_of_the_environment(
    small: Uci, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", small.url)
    bypass_proxy("http://127.0.0.1:5000")
    with pytest.raises(DataSourceError):  # this server is no proxy
        fetch(settings(small, tmp_path, uci_url="http://uci.invalid"))
    assert small.requests == ["http://uci.invalid/api/dataset?id=296"]
