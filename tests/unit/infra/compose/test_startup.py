import json
import logging
import sys
from pathlib import Path

import pytest

from infra.compose import startup
from infra.compose.airflow_init import write_passwords
from infra.compose.startup import StartupError, adopt, log_in, migrate, run


def test_a_missing_secret_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="The secret airflow_db_password is missing: run 'docker compose up -d'"):
        log_in("postgres", "airflow", "airflow", tmp_path / "airflow_db_password")


def test_the_output_of_a_migration_is_logged_only_when_it_fails(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        migrate("airflow", [sys.executable, "-c", "print('many lines')"])
        assert "many lines" not in caplog.text
        with pytest.raises(StartupError, match="migration of the airflow database failed"):
            migrate("airflow", [sys.executable, "-c", "raise SystemExit('no such revision')"])
    assert "no such revision" in caplog.text


def test_the_signing_of_production_waits_for_mlflow_and_does_not_prevent_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "ADOPTION_PAUSE_SECONDS", 0)
    once = f"import pathlib, sys; f = pathlib.Path({str(tmp_path / 'f')!r}); tried = f.exists(); f.touch()"
    with caplog.at_level(logging.INFO):
        adopt([sys.executable, "-c", f"{once}; print('signed') if tried else sys.exit('MLflow does not answer')"])
        assert caplog.messages == ["signed"]
        adopt([sys.executable, "-c", "raise SystemExit('MLflow does not answer')"])
        adopt([sys.executable, "-c", ""])
    assert caplog.messages == ["signed", "MLflow does not answer"]


def test_a_startup_error_is_logged_and_sets_the_exit_code(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise StartupError("no database")

    assert run(fail) == 1
    assert caplog.messages == ["no database"]
    assert run(lambda: None) == 0


def test_passwords_are_replaced_and_writable_by_the_group(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    file.write_text("{}")
    write_passwords(file, {"airflow": "new"})
    assert json.loads(file.read_text()) == {"airflow": "new"}
    assert file.stat().st_mode & 0o777 == 0o660
    assert list(tmp_path.iterdir()) == [file]
