"""Repeated runs: results that add up, and causes of failures."""

from pathlib import Path

import pytest

from tests.support import repeat

COMMAND = "test ! -e broken || { echo 'FAILED tests/unit/test_a.py::test_b - assert 1 == 2'; exit 1; }"


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository of one commit, and results of its own."""
    monkeypatch.setattr(repeat, "ROOT", tmp_path)
    monkeypatch.setattr(repeat, "FOLDER", tmp_path / "build")
    (tmp_path / "file").touch()
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    repeat.git("init", "--quiet")
    repeat.git("add", "file")
    repeat.git(*identity, "commit", "--quiet", "--message", "first")


def run(capsys: pytest.CaptureFixture[str], runs: int, *options: str) -> tuple[int, list[str]]:
    status = repeat.main([str(runs), "--command", COMMAND, *options])
    return status, capsys.readouterr().out.splitlines()


def test_runs_of_several_invocations_add_up_and_half_have_busy_processes_beside(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(capsys, 1)[1][-1].startswith("1 of 1 runs passed, 0 of them beside")
    status, lines = run(capsys, 2)
    assert (status, lines[-1]) == (0, "3 of 3 runs passed, 1 of them beside busy processes; the last 3 in a row")
    assert run(capsys, 0)[1] == lines[-1:]
    assert "beside 2 busy processes" in lines[0]


def test_a_failure_is_reported_with_its_cause_and_its_output_is_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()
    status, lines = run(capsys, 1)
    assert status == 1
    assert lines[-1] == "    tests/unit/test_a.py::test_b - assert 1 == 2"
    (log,) = (tmp_path / "build").glob("*.log")
    assert str(log) in lines[-2]

    (tmp_path / "broken").unlink()
    assert "1 of 2 runs passed, 1 of them beside busy processes; the last 1 in a row" in run(capsys, 1)[1]


def test_commits_count_from_the_given_one_and_uncommitted_changes_do_not(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, 1)
    (tmp_path / "file").write_text("changed")
    assert run(capsys, 1)[1][-1].startswith("1 of 1 runs passed"), "that on the changes is not counted"
    repeat.git(
        "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--all", "--message", "second"
    )
    run(capsys, 1)
    assert run(capsys, 0)[1][-1].startswith("1 of 1 runs passed")
    assert run(capsys, 0, "--since", "HEAD~1")[1][-1].startswith("2 of 2 runs passed")


def test_without_a_summary_of_pytest_the_last_lines_are_the_cause() -> None:
    output = "ml/a.py:3: error: wrong type\n\nFound 1 error in 1 file\nmake: *** [types] Error 1\n"
    assert repeat.causes_of(output) == [
        "ml/a.py:3: error: wrong type",
        "Found 1 error in 1 file",
        "make: *** [types] Error 1",
    ]
