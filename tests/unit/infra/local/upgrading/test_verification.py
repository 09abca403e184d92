"""After an upgrade the API serves the version that was in production, or the upgrade fails."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from infra.backup.manifest import BackupManifest, ProductionEntry
from infra.local.errors import StackError
from infra.local.upgrading import verification
from infra.local.upgrading.verification import check_served

API = "http://api"


def backup(folder: Path, production: ProductionEntry | None) -> Path:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    BackupManifest(
        id="x", started_at=now, finished_at=now, release="0.1.0", commit="c0ffee", databases={}, production=production,
        secrets=False, fingerprints={}, signing_public_key=None, files={},
    ).write(folder)  # fmt: skip
    return folder


PRODUCTION = ProductionEntry(version="3", bundle="artifacts/3", answers=())


def answering(monkeypatch: pytest.MonkeyPatch, *statuses: int) -> list[str]:
    """Answers of the API, one after another; returns the addresses that were asked. 0 is no answer."""
    asked: list[str] = []

    def get(url: str, timeout: float) -> httpx.Response:
        asked.append(url)
        if not (status := statuses[min(len(asked), len(statuses)) - 1]):
            raise httpx.ConnectError("refused")
        return httpx.Response(status)

    monkeypatch.setattr(httpx, "get", get)
    monkeypatch.setattr(verification.time, "sleep", lambda _seconds: None)
    return asked


def test_it_waits_until_the_version_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, said = answering(monkeypatch, 0, 404, 200), list[str]()
    check_served(API, backup(tmp_path, PRODUCTION), tmp_path / "api.log", said.append)
    assert asked == [f"{API}/v2/models/diabetes-readmission/versions/3/ready"] * 3
    assert said == ["The API serves version 3"]


def test_a_version_that_is_not_served_in_time_is_named_with_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, 404)
    monkeypatch.setattr(verification, "SERVING_SECONDS", -1)
    with pytest.raises(StackError, match="The API does not serve version 3, which was in production") as caught:
        check_served(API, backup(tmp_path, PRODUCTION), tmp_path / "api.log", print)
    assert caught.value.log == tmp_path / "api.log"


def test_without_a_version_in_production_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, 404)
    check_served(API, backup(tmp_path, None), tmp_path / "api.log", print)
    assert asked == []
