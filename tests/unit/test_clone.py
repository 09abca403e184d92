"""What a clone is on other machines: its line ends, and which system the environment needs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone")
def test_a_clone_of_a_machine_with_other_line_ends_has_the_same_bytes(tmp_path: Path) -> None:
    crlf = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    subprocess.run(
        ["git", *crlf, "clone", "-q", "--no-local", "--depth=1", f"file://{ROOT}", str(tmp_path)], check=True
    )
    listed = subprocess.run(["git", "ls-files", "--eol"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [line for line in listed.stdout.splitlines() if "w/crlf" in line or "w/mixed" in line] == []


def test_make_env_says_that_linux_is_needed(tmp_path: Path) -> None:
    (tmp_path / "uname").write_text("#!/bin/sh\necho Darwin\n")
    (tmp_path / "uname").chmod(0o755)
    (tmp_path / "uv").symlink_to("/bin/true")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("uv.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["make", "env"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Linux is needed" in done.stdout
