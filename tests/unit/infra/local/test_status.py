"""The tables of the native stack: nothing in them is cut, however narrow the terminal."""

from io import StringIO

from rich.console import Console

from infra.local.status import ProgramStatus, print_whole, status_table

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
