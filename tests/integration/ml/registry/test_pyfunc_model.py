"""The registered model through MLflow's own interfaces, compared with the scoring of the API on genuine rows."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.models import make_metric
from sklearn.metrics import brier_score_loss, roc_auc_score

from api.contract.parsing import validate_records
from ml.core.bundle import MODEL_FILE, load_bundle
from ml.core.names import MODEL_NAME, MONITORING_EXPERIMENT, PRODUCTION
from ml.core.settings import MlflowSettings
from ml.registry.client import Registry
from ml.registry.flavor import SIGNATURE
from ml.schema import BY_NAME, ENCOUNTER_ID, FEATURE_NAMES, PATIENT_ID, POSITIVE, TARGET, UNKNOWN
from ml.training.models import RANDOM_FOREST, fit
from tests.integration.ml.registries import bundle_of, empty, register_bundle
from tests.support.mlflow import outside, running_model
from tests.unit.ml.tables import cohort

URI = f"models:/{MODEL_NAME}@{PRODUCTION}"
ROWS = 400
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Registered:
    """A production version on a real server, and genuine rows with the risks that the API's code gives them."""

    address: str
    registry: Registry
    number: str
    text: str  # CSV
    risks: np.ndarray

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.address)

    def rows(self, **options: Any) -> pd.DataFrame:
        """The rows as pandas reads them."""
        return pd.read_csv(io.StringIO(self.text), **{"keep_default_na": False, **options})

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        predicted = mlflow.pyfunc.load_model(URI).predict(table)
        assert isinstance(predicted, np.ndarray)
        return predicted


@pytest.fixture(scope="module")
def registered(
    mlflow_server: str, genuine_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registered]:
    empty(mlflow_server)
    registry = Registry(MlflowSettings.load(_env_file=None, mlflow_tracking_uri=mlflow_server))
    model = fit(RANDOM_FOREST, {"n_estimators": 12}, cohort(3_000, seed=1), jobs=1)
    bundle = bundle_of(model, cohort(500, seed=2), tmp_path_factory.mktemp("bundle"))
    number = register_bundle(registry, bundle).number
    registry.set_alias(PRODUCTION, number)
    with zipfile.ZipFile(genuine_file) as archive:
        text = "".join(archive.read("diabetic_data.csv").decode().splitlines(keepends=True)[: ROWS + 1])
    records = [as_json(row) for row in csv.DictReader(io.StringIO(text))]
    risks = load_bundle(bundle).predict(validate_records(records))
    yield Registered(mlflow_server, registry, number, text, risks)
    empty(mlflow_server)


def as_json(row: dict[str, str]) -> dict[str, Any]:
    """A row of the file as a record of the API."""
    known = {name: row[name] for name in FEATURE_NAMES if row[name] != UNKNOWN}
    return {name: int(text) if BY_NAME[name].is_number else text for name, text in known.items()}


def in_folder(registered: Registered, folder: Path) -> dict[str, Any]:
    """Arguments of a process that finds no code of the platform beside that of the version."""
    return {"cwd": folder, "env": outside(PROGRAMS, registered.address)}


def test_a_frame_of_genuine_rows_gets_the_risks_of_the_api(registered: Registered) -> None:
    rows = registered.rows()
    assert {ENCOUNTER_ID, PATIENT_ID, TARGET} <= set(rows)
    np.testing.assert_allclose(registered.predict(rows), registered.risks, atol=1e-6)


@pytest.mark.parametrize("unknown", [UNKNOWN, None, np.nan, pd.NA, " ? ", ""])
def test_every_way_to_say_unknown_is_equal(registered: Registered, unknown: Any) -> None:
    rows = registered.rows(dtype=object)
    np.testing.assert_allclose(
        registered.predict(rows.where(rows != UNKNOWN, unknown)), registered.risks, atol=1e-6, err_msg=repr(unknown)
    )


@pytest.mark.parametrize(
    "options",
    [
        {"dtype": str},
        {"dtype": object},
        {"na_values": [UNKNOWN]},
        {"na_values": [UNKNOWN], "dtype_backend": "numpy_nullable"},
        {"na_values": [UNKNOWN], "dtype_backend": "pyarrow"},
        {"na_values": [UNKNOWN], "dtype": "category"},
    ],
    ids=str,
)
def test_every_type_that_pandas_reads_is_accepted(registered: Registered, options: dict[str, Any]) -> None:
    np.testing.assert_allclose(registered.predict(registered.rows(**options)), registered.risks, atol=1e-6)


def test_absent_columns_are_unknown(registered: Registered) -> None:
    few = registered.rows()[["age", "diag_1", "number_inpatient"]]
    blank = registered.rows().assign(**dict.fromkeys(set(FEATURE_NAMES) - set(few)))
    np.testing.assert_array_equal(registered.predict(few), registered.predict(blank))
    identifiers = registered.rows()[[ENCOUNTER_ID]]
    assert len(set(registered.predict(identifiers))) == 1


def test_codes_in_other_spellings_get_the_same_risks(registered: Registered) -> None:
    rows = registered.rows(dtype=str)
    for name in ("diag_1", "diag_2", "diag_3"):
        dotted = rows[name].str.contains(".", regex=False)
        rows.loc[dotted, name] = rows.loc[dotted, name].str.pad(7, "right", "0").str[:6]
        rows.loc[~dotted, name] = rows.loc[~dotted, name].where(rows[name].str.len() != 3, rows[name] + ".")
    np.testing.assert_allclose(registered.predict(rows), registered.risks, atol=1e-6)


def test_invalid_values_are_named_with_row_and_column(registered: Registered) -> None:
    rows = registered.rows().head(3).assign(race=["Caucasian", "Caucasean", "Asian"], number_inpatient=[0, 51, 1.5])
    with pytest.raises(mlflow.MlflowException) as reported:
        registered.predict(rows)
    message = str(reported.value)
    assert "row 1, race: 'Caucasean' is not one of 'Caucasian'" in message
    assert "row 1, number_inpatient: 51 is not a whole number from 0 to 50" in message
    assert "row 2, number_inpatient: 1.5 is not" in message


@pytest.mark.parametrize("table", [pd.DataFrame(), pd.DataFrame({"mrn": [1, 2]}), pd.DataFrame({"age": []})])
def test_a_frame_without_rows_or_known_columns_is_refused(registered: Registered, table: pd.DataFrame) -> None:
    with pytest.raises(mlflow.MlflowException, match="has no row, or none of the columns of the data set"):
        registered.predict(table)


def test_a_lost_none_of_the_laboratory_columns_is_reported(
    registered: Registered, caplog: pytest.LogCaptureFixture
) -> None:
    registered.predict(registered.rows())
    assert "keep_default_na" not in caplog.text
    registered.predict(registered.rows(keep_default_na=True))
    assert "max_glu_serum and A1Cresult hold no 'None'" in caplog.text


def test_a_version_holds_its_code_an_example_and_light_requirements_and_no_pickle(
    registered: Registered, tmp_path: Path
) -> None:
    folder = Path(mlflow.artifacts.download_artifacts(URI, dst_path=str(tmp_path)))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    required = {line.split("==")[0] for line in (folder / "requirements.txt").read_text().splitlines()}
    model = mlflow.models.Model.load(str(folder))

    assert {"code/ml/registry/pyfunc_model.py", "code/ml/schema/columns.py", "code/ml/core/bundle/model.py"} <= files
    assert {path.rpartition(".")[2] for path in files} - {"registered_model_meta"} <= {
        "MLmodel", "py", "json", "onnx", "txt", "yaml", "csv",
    }  # fmt: skip
    assert required == {"mlflow", "numpy", "onnxruntime", "pandas", "pydantic"}
    assert model.signature == SIGNATURE
    assert [column.name for column in model.signature.inputs] == [ENCOUNTER_ID, PATIENT_ID, *FEATURE_NAMES]
    assert not any(column.required for column in model.signature.inputs)
    assert set(model.load_input_example(str(folder)).columns) == set(FEATURE_NAMES)
    assert mlflow.onnx.load_model(URI) is not None
    assert model.model_size_bytes > (folder / MODEL_FILE).stat().st_size


@pytest.mark.parametrize("content_type", ["json", "csv"])
def test_the_command_models_predict_gives_the_risks_of_the_api(
    registered: Registered, tmp_path: Path, content_type: str
) -> None:
    rows = registered.rows()
    if content_type == "json":
        (tmp_path / "rows").write_text(json.dumps({"dataframe_split": json.loads(rows.to_json(orient="split"))}))
        expected = registered.risks
    else:  # the command reads None as NaN
        (tmp_path / "rows").write_text(registered.text)
        expected = registered.predict(registered.rows(keep_default_na=True))
    command = [sys.executable, "-m", "mlflow", "models", "predict", "-m", URI, "--env-manager", "local"]
    command += ["-i", "rows", "-t", content_type, "-o", "risks.json"]
    done = subprocess.run(command, **in_folder(registered, tmp_path), capture_output=True, text=True, timeout=180)

    assert done.returncode == 0, done.stderr[-3000:]
    predictions = json.loads((tmp_path / "risks.json").read_text())["predictions"]
    np.testing.assert_allclose(predictions, expected, atol=1e-6)


@pytest.fixture(scope="module")
def served(registered: Registered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of ``mlflow models serve``."""
    with running_model(PROGRAMS, registered.address, tmp_path_factory.mktemp("serve")) as address:
        yield address


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "inputs", "instances", "parquet"])
def test_the_command_models_serve_gives_the_risks_of_the_api(registered: Registered, served: str, form: str) -> None:
    rows = registered.rows(na_values=[UNKNOWN])
    as_text = rows.drop(columns=TARGET).to_json(orient="split" if form == "dataframe_split" else "records")
    if form == "parquet":
        headers, body = {"Content-Type": "application/vnd.apache.parquet"}, rows.to_parquet()
    else:
        headers, body = {"Content-Type": "application/json"}, json.dumps({form: json.loads(as_text)}).encode()
    answer = httpx.post(f"{served}/invocations", content=body, headers=headers, timeout=60, trust_env=False)

    assert answer.status_code == 200, answer.text[-2000:]
    np.testing.assert_allclose(answer.json()["predictions"], registered.risks, atol=1e-6)


def test_an_invalid_value_is_an_error_of_the_client(served: str) -> None:
    body = {"dataframe_records": [{"age": "[60-70)"}, {"age": "67"}]}
    answer = httpx.post(f"{served}/invocations", json=body, timeout=60, trust_env=False)
    assert answer.status_code == 400
    assert "row 1, age: '67' is not one of" in answer.json()["message"]


@pytest.mark.filterwarnings("ignore")  # of MLflow's evaluator
def test_models_evaluate_measures_the_registered_model(registered: Registered) -> None:
    rows = registered.rows()
    labels = (rows[TARGET] == POSITIVE).astype(int)
    auroc = make_metric(
        eval_fn=lambda predictions, targets: roc_auc_score(targets, predictions), greater_is_better=True, name="auroc"
    )
    with registered.registry.run("evaluated", {}):
        result = mlflow.models.evaluate(
            URI,
            rows.assign(**{TARGET: labels}),
            targets=TARGET,
            model_type="regressor",
            extra_metrics=[auroc],
            evaluator_config={"log_model_explainability": False},
        )

    assert result.metrics["auroc"] == pytest.approx(roc_auc_score(labels, registered.risks), abs=1e-6)
    assert result.metrics["mean_squared_error"] == pytest.approx(brier_score_loss(labels, registered.risks), abs=1e-6)


def test_the_pages_of_model_version_and_experiments_say_how_to_use_them(registered: Registered) -> None:
    client = registered.client
    with registered.registry.run("monitored", {}, MONITORING_EXPERIMENT):
        pass
    experiments = [client.get_experiment_by_name(name) for name in (MODEL_NAME, MONITORING_EXPERIMENT)]
    model = client.get_registered_model(MODEL_NAME).description
    version = client.get_model_version(MODEL_NAME, registered.number).description

    assert all(found.tags["mlflow.experimentKind"] == "custom_model_development" for found in experiments)
    assert all(found.tags["mlflow.note.content"] for found in experiments)
    assert f'load_model("{URI}")' in experiments[0].tags["mlflow.note.content"]
    assert f'load_model("{URI}")' in model
    assert version.startswith("a version of the tests")
    assert f'load_model("models:/{MODEL_NAME}/{registered.number}")' in version


def test_the_snippet_of_the_pages_runs_as_it_stands(registered: Registered, tmp_path: Path) -> None:
    description = registered.client.get_registered_model(MODEL_NAME).description
    code = description.partition("```python\n")[2].partition("```")[0]
    assert len([line for line in code.splitlines() if line]) <= 5
    process = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(process, **in_folder(registered, tmp_path), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert 0 < float(done.stdout.strip(" []\n")) < 1


def test_a_description_that_a_person_wrote_is_kept(registered: Registered, tmp_path: Path) -> None:
    client = registered.client
    before = client.get_registered_model(MODEL_NAME).description
    client.update_registered_model(MODEL_NAME, "ours")
    try:
        with registered.registry.download(registered.number) as bundle:
            register_bundle(registered.registry, bundle)
        assert client.get_registered_model(MODEL_NAME).description == "ours"
    finally:
        client.update_registered_model(MODEL_NAME, before)
