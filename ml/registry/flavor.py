"""The MLflow flavor of a bundle: what a model version holds beside it, so that ``mlflow.pyfunc`` can load it.

:meth:`mlflow.models.Model.log` calls :func:`save_model`. Nothing is pickled: the pyfunc is a loader module with its
source, and the model is the ONNX file that the API serves.
"""

import shutil
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import mlflow
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType

from ml.core.bundle import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, OUTPUT
from ml.schema import ENCOUNTER_ID, EXAMPLE_RECORD, FEATURE_NAMES, PATIENT_ID

SIGNATURE: Final = ModelSignature(
    # MLflow's other types refuse what pandas makes of a column with unknown values: floats, or NaN in place of texts.
    Schema([ColSpec(AnyType(), name, required=False) for name in (ENCOUNTER_ID, PATIENT_ID, *FEATURE_NAMES)]),
    Schema([ColSpec(DataType.double, OUTPUT)]),
)
REQUIREMENTS: Final = [
    f"{name}=={metadata.version(name)}" for name in ("mlflow", "numpy", "onnxruntime", "pandas", "pydantic")
]
LOADER: Final = "ml.registry.pyfunc_model"
_PACKAGE: Final = Path(__file__).parents[1]
_CODE: Final = ("__init__.py", "core", "schema", "registry/__init__.py", "registry/pyfunc_model.py")
"""Paths in the package ``ml`` that the loader module imports."""
_NOT_CODE: Final = ("__pycache__", "translations.py", "locale")
"""Names in these folders that only reports and the interface use."""


def save_model(bundle: Path, path: str, mlflow_model: Model, **_: Any) -> None:
    """Write a bundle to a new directory as an MLflow model."""
    with tempfile.TemporaryDirectory() as scratch:
        mlflow.pyfunc.save_model(
            path,
            loader_module=LOADER,
            code_paths=[str(_copy_code(Path(scratch)))],
            mlflow_model=mlflow_model,
            signature=SIGNATURE,
            input_example=pd.DataFrame([EXAMPLE_RECORD]),
            pip_requirements=REQUIREMENTS,
        )
    for name in (MODEL_FILE, GOLDEN_FILE, MANIFEST_FILE):
        shutil.copy(bundle / name, path)
    mlflow_model.add_flavor(
        "onnx", onnx_version=metadata.version("onnx"), data=MODEL_FILE, providers=["CPUExecutionProvider"]
    )
    mlflow_model.model_size_bytes = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
    mlflow_model.save(str(Path(path) / MLMODEL_FILE_NAME))


def _copy_code(scratch: Path) -> Path:
    copy = scratch / _PACKAGE.name
    for name in _CODE:
        source, target = _PACKAGE / name, copy / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_NOT_CODE))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return copy
