"""Dockerfiles: the images contain the modules that their programs import, and report version and commit."""

import ast
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCKERFILES = (
    "airflow.dockerfile",
    "api.dockerfile",
    "mlflow.dockerfile",
    "streamlit.dockerfile",
    "locust/Dockerfile",
    "infra/Dockerfile",
)
BUILD_ARGUMENTS = ("BUILD_VERSION", "BUILD_COMMIT")
LABELS = ("title", "version=$BUILD_VERSION", "revision=$BUILD_COMMIT", "licenses=Apache-2.0")
EXCLUDED = "ml/simulation/"
"""Excluded by .dockerignore; the command ``simulate`` imports it lazily, and only outside of images."""
OPTIONAL = "ml.simulation"


def copied_files(dockerfile: str) -> set[Path]:
    """Every Python file that the dockerfile copies, by its path in the repository."""
    lines = (ROOT / dockerfile).read_text().splitlines()
    arguments = [line.split()[2:] for line in lines if line.startswith("COPY --chmod=755 ")]
    sources = [ROOT / source for *sources, _ in arguments for source in sources]
    files = {path for source in sources for path in (source, *source.rglob("*")) if path.suffix == ".py"}
    return {path for path in files if not path.is_relative_to(ROOT / EXCLUDED)}


def files_of(module: str) -> set[Path]:
    """The files that are read when a module of the repository is imported, those of its packages included."""
    names = module.split(".")
    packages = [ROOT.joinpath(*names[:count], "__init__.py") for count in range(1, len(names) + 1)]
    return {path for path in (*packages, ROOT.joinpath(*names).with_suffix(".py")) if path.exists()}


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports at any depth; names from a package count as modules of it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return names


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_an_image_contains_every_module_that_its_files_import(dockerfile: str) -> None:
    copied = copied_files(dockerfile)
    assert copied, f"{dockerfile} copies no source"

    missing = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in copied
        for module in imports(path)
        if not files_of(module) <= copied
        and not (path == ROOT / "ml/cli/simulate.py" and f"{module}.".startswith(f"{OPTIONAL}."))
    }

    assert missing == set()


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_every_file_of_the_clone_gets_a_mode_that_all_users_can_read(dockerfile: str) -> None:
    lines = (ROOT / dockerfile).read_text().splitlines()
    copies = {line for line in lines if line.startswith("COPY ") and "--from=" not in line}
    assert {line for line in copies if "--chmod=755" not in line} <= {"COPY pyproject.toml uv.lock ./"}  # root reads it


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_an_image_reports_version_and_commit(dockerfile: str) -> None:
    text = (ROOT / dockerfile).read_text()
    for name in BUILD_ARGUMENTS:
        assert f"ARG {name}=unknown" in text
        assert f"{name}=${name}" in text
    for label in LABELS:
        assert f"org.opencontainers.image.{label}" in text
    assert text.index("ARG BUILD_VERSION") > text.rindex("COPY "), "a new commit must not rebuild earlier layers"


def is_in_context(path: str) -> bool:
    """Whether ``.dockerignore`` lets a path through: its last line that covers the path decides."""
    is_ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").removesuffix("/")
        places = [path, *map(str, Path(path).parents)][:-1]
        if line and not line.startswith("#") and any(fnmatch(place, pattern) for place in places):
            is_ignored = not line.startswith("!")
    return not is_ignored


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_the_build_context_has_every_file_that_is_copied(dockerfile: str) -> None:
    lines = (ROOT / dockerfile).read_text().splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from=" not in line]
    sources = {source.removesuffix("/") for parts in copies for source in parts if not source.startswith("--")}
    assert {source for source in sources if not is_in_context(source)} == set()


def test_the_build_context_excludes_the_simulation() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()

    assert lines.index(EXCLUDED) > lines.index("!ml/")
