"""The code version: which modules change it, and what does not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.training.code_version import FOLDER, LIBRARIES, ROOTS, code_version, fingerprint, import_closure
from ml.training.models import GRADIENT_BOOSTING, RANDOM_FOREST

CLOSURE = sorted(import_closure(FOLDER))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package in another folder, as in an image."""
    folder = tmp_path_factory.mktemp("image")
    shutil.copytree(FOLDER / "ml", folder / "ml", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def edited(folder: Path, name: str, edit: Callable[[bytes], bytes]) -> str:
    """The code version after an edit of one module, which is undone."""
    path = folder.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    original = path.read_bytes()
    path.write_bytes(edit(original))
    try:
        return code_version.__wrapped__(folder)
    finally:
        path.write_bytes(original)


def test_the_version_does_not_depend_on_the_folder_and_is_the_same_twice(copy: Path) -> None:
    assert code_version.__wrapped__(copy) == code_version.__wrapped__(FOLDER) == code_version()
    assert len(code_version()) == 64


@pytest.mark.parametrize("name", CLOSURE)
def test_every_module_of_the_closure_changes_the_version_but_its_line_ends_do_not(copy: Path, name: str) -> None:
    assert edited(copy, name, lambda source: source + b"\nCHANGED = True\n") != code_version()
    assert edited(copy, name, lambda source: source.replace(b"\n", b"\r\n")) == code_version()


def test_the_closure_holds_what_encodes_fits_exports_and_writes_a_bundle() -> None:
    assert set(CLOSURE) >= {
        *ROOTS,
        "ml.core.bundle",
        "ml.core.history",
        "ml.core.reliability",
        "ml.evaluation.metrics",
        "ml.evaluation.reliability_curve",
        "ml.features.encoder",
        "ml.features.icd9",
        "ml.features.masking",
        "ml.features.tables",
        "ml.schema",
        "ml.schema.codes",
        "ml.schema.columns",
        "ml.schema.history",
        "ml.training.onnx_graph.encode",
        "ml.training.onnx_graph.graph",
        "ml.training.onnx_graph.nodes",
        "ml.training.onnx_graph.trees",
    }


@pytest.mark.parametrize(
    "package",
    ["registry", "cli", "report", "promotion", "monitoring", "simulation", "warehouse", "migrations", "core.settings"],
)
def test_what_does_not_shape_a_model_is_not_in_the_closure(package: str) -> None:
    assert [name for name in CLOSURE if f"{name}.".startswith(f"ml.{package}.")] == []


def test_imports_within_functions_and_of_submodules_count(tmp_path: Path) -> None:
    sources = {
        "ml/__init__.py": "",
        "ml/training/__init__.py": "",
        "ml/training/models.py": "def fit():\n    from ml.features import encoder\n",
        "ml/training/export.py": "import ml.core.bundle as bundle\nimport json\n",
        "ml/training/manifest.py": "from ml.core.bundle import Manifest\n",
        "ml/features/__init__.py": "",
        "ml/features/encoder.py": "",
        "ml/core/bundle.py": "",
        "ml/core/unused.py": "",
    }
    for name, source in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)

    expected = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in sources}
    assert set(import_closure(tmp_path)) == expected - {"ml.core.unused"}
    (tmp_path / "ml/training/manifest.py").unlink()
    with pytest.raises(ImportError, match=r"^no source of ml\.training\.manifest$"):
        import_closure(tmp_path)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_version_of_each_library_counts(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.training.code_version.metadata.version", lambda name: "9" if name == library else "1")
    changed = code_version.__wrapped__(FOLDER)
    monkeypatch.setattr("ml.training.code_version.metadata.version", lambda _: "1")

    assert changed != code_version.__wrapped__(FOLDER)


def test_a_fingerprint_depends_on_data_parameters_and_family() -> None:
    one = fingerprint("data", RANDOM_FOREST, {"a": 1, "b": 2})

    assert one == fingerprint("data", RANDOM_FOREST, {"b": 2, "a": 1})
    assert one not in {
        fingerprint("other", RANDOM_FOREST, {"a": 1, "b": 2}),
        fingerprint("data", RANDOM_FOREST, {"a": 1, "b": 3}),
        fingerprint("data", GRADIENT_BOOSTING, {"a": 1, "b": 2}),
    }
