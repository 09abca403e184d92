"""Who may import whom: the import rules of the design, read from the source of every package."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = ("ml", "api", "ui", "dags", "infra", "bench", "tests")
LIGHT = ("ml.schema", "ml.core")
"""What services other than Airflow may import of ml: whole folders."""
HEAVY = ("pandas", "sklearn", "mlflow", "numpy", "sqlalchemy", "optuna", "xgboost", "onnx", "matplotlib")
PACKAGES = ("ml", "api", "ui", "locust", "dags", "infra", "bench")


def sources(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"{package} has no source"
    return found


def imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Dotted names of what is imported; ``from ml import schema`` counts as ``ml.schema``."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            bare = node.module in OWN
            yield from (f"{node.module}.{alias.name}" if bare else node.module for alias in node.names)


def at_module_level(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements that run at import: everything but the bodies of functions."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from at_module_level(node)


def imported_by(path: Path) -> set[str]:
    return set(imports(ast.walk(ast.parse(path.read_text()))))


def within(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in allowed)


def breaches(package: str, allowed: tuple[str, ...]) -> dict[str, list[str]]:
    """Own modules that a package imports beside the allowed ones, by file."""
    found = {
        str(path.relative_to(ROOT)): sorted(
            name for name in imported_by(path) if within(name, OWN) and not within(name, allowed)
        )
        for path in sources(package)
    }
    return {path: names for path, names in found.items() if names}


def foreign(package: str, banned: tuple[str, ...]) -> dict[str, list[str]]:
    found = {
        str(path.relative_to(ROOT)): sorted(name for name in imported_by(path) if within(name, banned))
        for path in sources(package)
    }
    return {path: names for path, names in found.items() if names}


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("ml", ("ml",)),
        (
            "api",
            (
                "api",
                *LIGHT,
                "ml.core.bundle",
                "ml.core.reliability",
                "ml.core.explain",
                "ml.core.history",
                "ml.core.pseudonyms",
            ),
        ),
        ("ui", ("ui", *LIGHT)),
        ("locust", ("ml.schema",)),
        ("dags", ("ml",)),
        ("infra", ("infra", *LIGHT, "api.settings", "ui.settings")),
        ("bench", ("bench", "ml", "infra", "api")),
    ],
)
def test_a_package_imports_only_the_packages_it_may_know(package: str, allowed: tuple[str, ...]) -> None:
    assert breaches(package, allowed) == {}


@pytest.mark.parametrize(
    ("package", "banned"),
    [
        ("ml", ("airflow", "fastapi", "starlette", "uvicorn", "streamlit", "locust")),
        ("api", ("pandas", "sklearn", "mlflow", "airflow", "streamlit", "locust", "sqlalchemy")),
        ("ui", ("sklearn", "mlflow", "airflow", "fastapi", "locust", "sqlalchemy", "psycopg2")),
        ("locust", ("pandas", "sklearn", "mlflow", "airflow", "fastapi", "streamlit")),
    ],
)
def test_a_package_stays_clear_of_the_frameworks_of_others(package: str, banned: tuple[str, ...]) -> None:
    assert foreign(package, banned) == {}


def test_dags_import_nothing_heavy_when_they_are_parsed() -> None:
    found = {
        path.name: sorted(
            name
            for name in imports(at_module_level(ast.parse(path.read_text())))
            if within(name, HEAVY) or within(name, ("ml",))
        )
        for path in sources("dags")
    }

    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("word", ["MlflowClient", "models:/"])
def test_only_the_registry_folder_uses_the_registry_of_mlflow(word: str) -> None:
    mentioned = {
        path.relative_to(ROOT) for package in PACKAGES for path in sources(package) if word in path.read_text()
    }

    assert {path.parent for path in mentioned} == {Path("ml/registry")}


def test_the_folder_of_the_load_test_does_not_shadow_the_library() -> None:
    assert not (ROOT / "locust" / "__init__.py").exists()
