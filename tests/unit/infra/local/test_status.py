"""The tables of the native stack: nothing in them is cut, however narrow the terminal."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from infra.local.provisioning import prepare_secrets
from infra.local.settings import StackSettings
from infra.local.status import ProgramStatus, print_whole, service_table, status_table

NAMES = ("airflow-dag-processor", "postgres", "mlflow-postgres")


def test_names_and_addresses_are_whole_in_a_narrow_terminal() -> None:
    statuses = [ProgramStatus(name, "running", 12_345, 3_700, f"http://localhost:8080/{name}") for name in NAMES]
    console = Console(file=StringIO(), force_terminal=True, width=40, color_system=None)
    print_whole(console, status_table(statuses))

    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    for name in NAMES:
        assert f"{name} " in text
        assert f"http://localhost:8080/{name}" in text
    assert "1 h 01 min" in text
    assert console.width == 40


def test_a_stack_that_does_not_run_says_how_to_start_it() -> None:
    console = Console(file=StringIO(), width=40)
    print_whole(console, status_table([]))

    assert "nothing runs: make up" in console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above


def test_a_password_of_ones_own_is_not_printed(tmp_path: Path) -> None:
    settings = StackSettings.load(_env_file=None, airflow_password="my own", local_dir=tmp_path / ".local")
    settings.paths.create()
    prepare_secrets(settings)
    console = Console(file=StringIO(), width=200)
    print_whole(console, service_table(settings))

    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    assert "airflow / your AIRFLOW_PASSWORD" in text
    assert "my own" not in text
