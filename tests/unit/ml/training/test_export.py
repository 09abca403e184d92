"""Export: the bundle predicts like the fitted model for every valid record, and a damaged bundle is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.core.bundle import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    Bundle,
    Manifest,
    encode,
    load_bundle,
    replay,
    sha256_of,
)
from ml.core.errors import BundleError
from ml.features.records import to_records, to_table
from ml.features.tables import model_inputs
from ml.schema import EXAMPLE_RECORD, INPUTS, Column, Kind, Record
from ml.training.export import GOLDEN_ROWS, parity, write_bundle
from ml.training.models import RiskModel
from tests.support.completeness import COMPLETENESS

MANIFEST: dict[str, Any] = {
    "algorithm": "RandomForest",
    "data_source": "synthetic",
    "data_version": "0" * 64,
    "trained_at": "2026-01-02T03:04:05+00:00",
    "prevalence": 0.11,
    "risk_quantiles": tuple(i / 100 for i in range(101)),
    "metrics": {"auroc": {"value": 0.67, "low": 0.66, "high": 0.68}},
    "completeness": COMPLETENESS,
}


@pytest.fixture(scope="session")
def written(fitted: RiskModel, test_table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bundle")
    write_bundle(fitted, test_table, MANIFEST, directory)
    return directory


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(written, tmp_path / "copy"))


@pytest.fixture(scope="session")
def bundle(written: Path) -> Bundle:
    return load_bundle(written)


def values(column: Column) -> st.SearchStrategy[str | int]:
    if column.kind is Kind.ICD9:
        return st.one_of(
            st.sampled_from(["428", "250.83", "V27", "E909"]), st.integers(1, 999).map(str), st.just("V99")
        )
    if column.kind is Kind.COUNT:
        return st.integers(column.low or 0, column.high or 0)
    return st.sampled_from(column.allowed)


RECORDS = st.fixed_dictionaries({}, optional={c.name: values(c) for c in INPUTS})


def test_graph_and_model_agree_on_every_row(fitted: RiskModel, bundle: Bundle, test_table: pd.DataFrame) -> None:
    assert parity(fitted, bundle, test_table) <= 1e-6


@settings(max_examples=15)
@given(requests=st.lists(RECORDS, min_size=1, max_size=10))
def test_graph_and_model_agree_on_any_valid_record(fitted: RiskModel, bundle: Bundle, requests: list[Record]) -> None:
    expected = fitted.predict(to_table(requests))

    assert np.abs(bundle.predict(requests) - expected).max() <= 1e-6


def test_unseen_categories_and_an_empty_record_are_predicted(fitted: RiskModel, bundle: Bundle) -> None:
    requests: list[Record] = [{}, {"diag_1": "999.99", "medical_specialty": "Speech"}, {"payer_code": "not a payer"}]
    expected = fitted.predict(to_table(requests))
    answers = bundle.predict(requests)

    assert np.abs(answers - expected).max() <= 1e-6
    assert ((answers > 0) & (answers < 1)).all()


def test_absent_and_null_values_are_equal(bundle: Bundle) -> None:
    nulls = dict.fromkeys(EXAMPLE_RECORD)
    answers = bundle.predict([{}, nulls])

    assert answers[0] == answers[1]


def test_a_prediction_does_not_depend_on_the_batch(bundle: Bundle, test_table: pd.DataFrame) -> None:
    requests = to_records(test_table.head(50))
    together = bundle.predict(requests)
    alone = np.array([bundle.predict([request])[0] for request in requests])

    assert np.abs(together - alone).max() <= 1e-6


@settings(max_examples=40)
@given(st.lists(RECORDS, max_size=5))
def test_records_survive_the_conversion_to_a_table_and_back(requests: list[Record]) -> None:
    assert to_records(to_table(requests)) == requests


def test_records_are_encoded_as_for_the_model(test_table: pd.DataFrame) -> None:
    inputs = model_inputs(test_table.head(200))
    encoded = encode(to_records(test_table.head(200)))

    assert set(encoded) == {"texts", "numbers"}
    np.testing.assert_array_equal(encoded["texts"], inputs.texts)
    np.testing.assert_array_equal(encoded["numbers"], inputs.numbers)


def test_a_written_bundle_replays_its_golden_requests(written: Path, bundle: Bundle) -> None:
    assert replay(bundle, (written / GOLDEN_FILE).read_bytes()) <= 1e-6
    assert {path.name for path in written.iterdir()} == {MODEL_FILE, GOLDEN_FILE, MANIFEST_FILE}


def test_golden_requests_have_no_identifiers_and_cover_edge_cases(written: Path) -> None:
    requests = [request["record"] for request in json.loads((written / GOLDEN_FILE).read_text())["requests"]]

    assert {name for record in requests for name in record} <= {c.name for c in INPUTS}
    assert {} in requests
    assert EXAMPLE_RECORD in requests
    assert len(requests) > 90
    assert any(0 < len(record) < 40 for record in requests)


def test_no_patient_is_in_the_bundle(written: Path, test_table: pd.DataFrame) -> None:
    patients = [record.items() for record in to_records(test_table)]
    requests = [request["record"] for request in json.loads((written / GOLDEN_FILE).read_text())["requests"]]
    full = [record for record in requests if len(record) > 30]

    assert len(full) > GOLDEN_ROWS / 2
    assert not [record for record in full if any(record.items() <= patient for patient in patients)]


def test_the_manifest_describes_the_model(bundle: Bundle, written: Path) -> None:
    manifest = bundle.manifest

    assert (manifest.algorithm, manifest.provenance, len(manifest.risk_quantiles)) == (
        "RandomForest",
        "synthetic",
        101,
    )
    assert manifest.files == {name: sha256_of(written / name) for name in (MODEL_FILE, GOLDEN_FILE)}


def update_checksums(directory: Path) -> None:
    """Update the checksums in the manifest."""
    fields = json.loads((directory / MANIFEST_FILE).read_text())
    fields["files"] = {name: sha256_of(directory / name) for name in (MODEL_FILE, GOLDEN_FILE)}
    (directory / MANIFEST_FILE).write_text(json.dumps(fields))


def change_graph(directory: Path) -> None:
    with (directory / MODEL_FILE).open("ab") as file:
        file.write(b" ")


def delete_graph(directory: Path) -> None:
    (directory / MODEL_FILE).unlink()


def delete_manifest(directory: Path) -> None:
    (directory / MANIFEST_FILE).unlink()


def add_to_manifest(directory: Path) -> None:
    fields = json.loads((directory / MANIFEST_FILE).read_text())
    (directory / MANIFEST_FILE).write_text(json.dumps({**fields, "surprise": 1}))


def delete_a_checksum(directory: Path) -> None:
    fields = json.loads((directory / MANIFEST_FILE).read_text())
    del fields["files"][GOLDEN_FILE]
    (directory / MANIFEST_FILE).write_text(json.dumps(fields))


def change_golden(directory: Path, change: Callable[[dict[str, Any]], object]) -> None:
    golden = json.loads((directory / GOLDEN_FILE).read_text())
    change(golden)
    (directory / GOLDEN_FILE).write_text(json.dumps(golden))
    update_checksums(directory)


def change_a_probability(directory: Path) -> None:
    change_golden(directory, lambda golden: golden["requests"][3].update(probability=0.5))


def set_a_probability_to_nan(directory: Path) -> None:
    change_golden(directory, lambda golden: golden["requests"][3].update(probability=float("nan")))


def drop_requests(directory: Path) -> None:
    change_golden(directory, lambda golden: golden.update(requests=[]))


def reshape_golden(directory: Path) -> None:
    change_golden(directory, lambda golden: golden.pop("requests"))


def set_an_invalid_value(directory: Path) -> None:
    change_golden(directory, lambda golden: golden["requests"][0]["record"].update(time_in_hospital="long"))


def overwrite_graph(directory: Path) -> None:
    (directory / MODEL_FILE).write_bytes(b"no graph at all")
    update_checksums(directory)


def rename_an_input(directory: Path) -> None:
    model = onnx.load(directory / MODEL_FILE)
    for node in model.graph.node:
        node.input[:] = ["words" if name == "texts" else name for name in node.input]
    next(one for one in model.graph.input if one.name == "texts").name = "words"
    onnx.save(model, directory / MODEL_FILE)
    update_checksums(directory)


def change_manifest(directory: Path, **changes: Any) -> None:
    fields = json.loads((directory / MANIFEST_FILE).read_text())
    (directory / MANIFEST_FILE).write_text(json.dumps({**fields, **changes}))


def rename_a_column(directory: Path) -> None:
    columns = Manifest.read(directory).texts
    change_manifest(directory, texts=["ethnicity" if name == "race" else name for name in columns])


def swap_columns(directory: Path) -> None:
    change_manifest(directory, texts=Manifest.read(directory).texts[::-1])


def delete_completeness(directory: Path) -> None:
    change_manifest(directory, completeness={})


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (change_graph, r"^model\.onnx does not match its checksum in the manifest\.$"),
        (delete_graph, r"^model\.onnx cannot be read: "),
        (delete_manifest, r"^The manifest of the model cannot be read: "),
        (add_to_manifest, r"^The manifest of the model cannot be read: .*surprise"),
        (delete_a_checksum, r"^golden\.json does not match its checksum"),
        (change_a_probability, r"^The golden requests fail: a prediction differs by 0\.\d+, the tolerance is 1e-06\.$"),
        (set_a_probability_to_nan, r"^The golden requests cannot be read: .*finite"),
        (drop_requests, r"^The golden requests cannot be read: requests: List should have at least 1 item"),
        (reshape_golden, r"^The golden requests cannot be read: "),
        (set_an_invalid_value, r"^The golden requests cannot be read: "),
        (overwrite_graph, r"^The graph cannot be loaded: "),
        (rename_an_input, r"^The graph has other inputs than the schema: .*words"),
        (rename_a_column, r"^The graph has other inputs than the schema: ethnicity, race\.$"),
        (swap_columns, r"^The graph has other inputs than the schema: another order\.$"),
        (delete_completeness, r"^The manifest of the model cannot be read: .*weights"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_damaged_bundle_is_refused_with_the_reason(
    copied: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(copied)

    with pytest.raises(BundleError, match=sentence):
        load_bundle(copied)


def test_parity_holds_on_other_rows(fitted: RiskModel, train_table: pd.DataFrame, bundle: Bundle) -> None:
    assert parity(fitted, bundle, train_table) <= 1e-6
    assert not np.allclose(fitted.predict(train_table), bundle.predict([{}] * len(train_table)))


def test_a_manifest_reads_back_as_it_was_written(written: Path) -> None:
    manifest = Manifest.read(written)

    fields = json.loads(json.dumps(manifest.model_dump(by_alias=True)))
    assert {name: fields[name] for name in MANIFEST} == json.loads(json.dumps(MANIFEST))
