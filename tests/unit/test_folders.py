"""The folders: how many modules one holds, what its docstring says, and that no imports form a circle."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ml", "api", "ui", "infra", "bench")
MAX_MODULES = 12


def folders() -> list[Path]:
    """Folders with Python modules; migrations are numbered files, not modules that anyone imports."""
    found = {path.parent for package in (*PACKAGES, "dags", "locust") for path in (ROOT / package).rglob("*.py")}
    return sorted(folder.relative_to(ROOT) for folder in found if folder.name != "versions")


def modules_of(package: str) -> dict[str, Path]:
    """Dotted name and file of every module of a package."""
    found = {}
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, modules: dict[str, Path]) -> Iterator[str]:
    """Modules of the same package that run when this one is imported."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield from {module if module in modules else node.module} & modules.keys()


@pytest.mark.parametrize("folder", folders(), ids=str)
def test_a_folder_holds_at_most_twelve_modules(folder: Path) -> None:
    modules = [path.name for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py"]

    assert len(modules) <= MAX_MODULES, sorted(modules)


@pytest.mark.parametrize("folder", [f for f in folders() if (ROOT / f / "__init__.py").exists()], ids=str)
def test_a_folder_says_in_one_line_what_belongs_there(folder: Path) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text()))

    assert docstring, f"{folder}/__init__.py has no docstring"
    assert docstring.splitlines()[0].endswith(".")


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_within_a_package_form_no_circle(package: str) -> None:
    modules = modules_of(package)
    graph = {name: set(imports_of(path, modules)) - {name} for name, path in modules.items()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
