"""Version and commit from the environment, the repository, or neither."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from ml.core.build import UNKNOWN, BuildInfo, build_info

ROOT = Path(__file__).parents[4]
COMMIT, OTHER = "ab" * 20, "cd" * 20


@pytest.fixture(autouse=True)
def _no_build_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUILD_VERSION", raising=False)
    monkeypatch.delenv("BUILD_COMMIT", raising=False)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD_VERSION", "9.8.7")
    monkeypatch.setenv("BUILD_COMMIT", COMMIT)
    assert build_info() == BuildInfo("9.8.7", COMMIT)


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BUILD_VERSION", "")
    monkeypatch.setenv("BUILD_COMMIT", "")
    assert build_info(tmp_path) == BuildInfo(UNKNOWN, UNKNOWN)


def test_this_repository() -> None:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a checkout, or no git")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert build_info() == BuildInfo(version, head.stdout.strip())


@pytest.mark.parametrize(
    "files",
    [
        {".git/HEAD": f"{COMMIT}\n"},
        {".git/HEAD": "ref: refs/heads/a/b\n", ".git/refs/heads/a/b": f"{COMMIT}\n"},
        {
            ".git/HEAD": "ref: refs/heads/main\n",
            ".git/packed-refs": f"# pack-refs\n{OTHER} refs/heads/not-main\n{COMMIT} refs/heads/main\n^{OTHER}\n",
        },
        {
            ".git/HEAD": "ref: refs/heads/main\n",
            ".git/refs/heads/main": f"{COMMIT}\n",
            ".git/packed-refs": f"{OTHER} refs/heads/main\n",
        },
        {
            ".git": "gitdir: store/worktrees/one\n",
            "store/worktrees/one/HEAD": "ref: refs/heads/one\n",
            "store/worktrees/one/commondir": "../..\n",
            "store/refs/heads/one": f"{COMMIT}\n",
        },
        {
            ".git": "gitdir: store/worktrees/one\n",
            "store/worktrees/one/HEAD": "ref: refs/heads/one\n",
            "store/worktrees/one/commondir": "../..\n",
            "store/packed-refs": f"{COMMIT} refs/heads/one\n",
        },
    ],
    ids=["detached", "branch", "packed", "loose before packed", "worktree", "worktree, packed"],
)
def test_the_commit_of_a_repository(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    assert build_info(tmp_path).commit == COMMIT


@pytest.mark.parametrize("head", ["ref: refs/heads/unborn\n", "not a commit\n", ""])
def test_a_repository_without_a_commit(tmp_path: Path, head: str) -> None:
    write(tmp_path / ".git/HEAD", head)
    assert build_info(tmp_path).commit == UNKNOWN


@pytest.mark.parametrize("project", ["[project]\n", "project = 1\n", "[project\n"])
def test_a_project_without_a_version(tmp_path: Path, project: str) -> None:
    write(tmp_path / "pyproject.toml", project)
    assert build_info(tmp_path).version == UNKNOWN


@pytest.mark.parametrize(("commit", "short"), [(COMMIT, "abababa"), (UNKNOWN, UNKNOWN), ("v1-dirty", "v1-dirty")])
def test_the_short_commit(commit: str, short: str) -> None:
    assert BuildInfo("1", commit).short_commit == short
