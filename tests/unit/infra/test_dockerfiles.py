"""The images carry the modules that their programs import: read from the dockerfiles, without building them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXCLUDED = "ml/simulation/"
"""Excluded by .dockerignore; the command ``simulate`` imports it lazily, and only outside of images."""
OPTIONAL = "ml.simulation"


def copied(dockerfile: str) -> set[Path]:
    """Every Python file that the dockerfile copies from the project, by its path there."""
    lines = (ROOT / dockerfile).read_text().splitlines()
    arguments = [line.split()[1:] for line in lines if line.startswith("COPY ") and "--from" not in line]
    sources = [ROOT / source for *sources, _ in arguments for source in sources]
    files = {path for source in sources for path in (source, *source.rglob("*")) if path.suffix == ".py"}
    return {path for path in files if not path.is_relative_to(ROOT / EXCLUDED)}


def files_of(module: str) -> set[Path]:
    """The files that importing a module of the project reads: its own and those of the packages above it."""
    names = module.split(".")
    parents = [ROOT.joinpath(*names[:count], "__init__.py") for count in range(1, len(names) + 1)]
    return {path for path in (*parents, ROOT.joinpath(*names).with_suffix(".py")) if path.exists()}


def imports(path: Path) -> set[str]:
    """Dotted names of what a file imports, at any depth; the names taken from a package count as its modules."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return found


@pytest.mark.parametrize(
    "dockerfile", ["api.dockerfile", "streamlit.dockerfile", "locust/Dockerfile", "airflow.dockerfile"]
)
def test_an_image_carries_every_module_that_its_own_files_import(dockerfile: str) -> None:
    carried = copied(dockerfile)
    assert carried, f"{dockerfile} copies no source"

    missing = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in carried
        for module in imports(path)
        if not files_of(module) <= carried
        and not (path == ROOT / "ml/cli/simulate.py" and f"{module}.".startswith(f"{OPTIONAL}."))
    }

    assert missing == set()


def test_the_build_context_excludes_the_simulation() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()

    assert lines.index(EXCLUDED) > lines.index("!ml/")
