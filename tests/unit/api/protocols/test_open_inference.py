"""Requests of the Open Inference Protocol with binary data: written as a client writes them, then damaged."""

import json
import struct
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from api.errors import InvalidRecordsError, MalformedBodyError
from api.protocols import binary_tensors
from api.protocols.open_inference import output_tensors, parse_inference
from api.protocols.tables import ScoringRequest
from ml.schema import BY_NAME

LIMIT = 100
TEXTS = st.text(max_size=12)
COUNTS = st.integers(0, 50)
FORMATS = {"INT8": "<i1", "UINT16": "<u2", "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8"}


def texts(values: list[str]) -> bytes:
    return b"".join(struct.pack("<I", len(value.encode())) + value.encode() for value in values)


def request(*tensors: tuple[str, str, list[int], bytes], **members: Any) -> tuple[bytes, bytes]:
    """A body and the length of its JSON; each tensor has name, datatype, shape and data."""
    inputs = [
        {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(data)}}
        for name, datatype, shape, data in tensors
    ]
    document = json.dumps({"inputs": inputs, **members}).encode()
    return document + b"".join(data for *_, data in tensors), str(len(document)).encode()


def parse(body: bytes, header: bytes | None) -> ScoringRequest:
    return parse_inference(body, LIMIT, header)


def message_of(body: bytes, header: bytes | None) -> str:
    with pytest.raises(InvalidRecordsError) as caught:
        parse(body, header)
    return caught.value.detail


@given(
    rows=st.lists(st.tuples(TEXTS, COUNTS), min_size=1, max_size=LIMIT),
    datatype=st.sampled_from(list(FORMATS)),
    is_column=st.booleans(),
)
def test_binary_values_are_those_of_json(rows: list[tuple[str, int]], datatype: str, is_column: bool) -> None:
    names, counts = [text for text, _ in rows], [count for _, count in rows]
    shape = [len(rows), 1] if is_column else [len(rows)]
    numbers = np.array(counts, FORMATS[datatype]).tobytes()

    binary = parse(*request(("race", "BYTES", shape, texts(names)), ("number_inpatient", datatype, shape, numbers)))

    inputs = [
        {"name": "race", "datatype": "BYTES", "shape": shape, "data": names},
        {"name": "number_inpatient", "datatype": datatype, "shape": shape, "data": counts},
    ]
    assert binary == parse(json.dumps({"inputs": inputs}).encode(), None)


def test_nan_and_empty_texts_are_unknown() -> None:
    gaps = np.array([np.nan, 2.0], "<f8").tobytes()

    parsed = parse(*request(("race", "BYTES", [2], texts(["", "?"])), ("number_inpatient", "FP64", [2], gaps)))

    assert parsed.records == [{"race": None, "number_inpatient": None}, {"race": None, "number_inpatient": 2.0}]


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (("race", "BYTES", [1], b""), "Input 'race' has 0 values of binary data; its shape has 1."),
        (("race", "BYTES", [1], b"\1"), "Value 0 of input 'race' begins at byte 0 and ends past the 1 bytes"),
        (
            ("race", "BYTES", [1], struct.pack("<I", 2**32 - 1)),
            "Value 0 of input 'race' begins at byte 0 and ends past",
        ),
        (("race", "BYTES", [2], texts(["Asian"]) + b"\5\0\0\0As"), "Value 1 of input 'race' begins at byte 9 and ends"),
        (("race", "BYTES", [1], texts(["Asian", "Other"])), "Input 'race' has more bytes of binary data than its 1"),
        (("race", "BYTES", [1], b"\1\0\0\0\xff"), "Value 0 of input 'race' is not UTF-8 text."),
        (("number_inpatient", "INT64", [2], b"12345678"), "has 8 bytes of binary data; 2 values of INT64 are 16 bytes"),
        (("number_inpatient", "FP32", [1], b"123"), "has 3 bytes of binary data; 1 values of FP32 are 4 bytes"),
        (("number_inpatient", "INT64", [-1], b""), "must have the shape [n] or [n, 1]"),
        (("number_inpatient", "INT64", [1, 2], b"12345678" * 2), "must have the shape [n] or [n, 1]"),
        (("number_inpatient", "INT64", [0], b""), "must hold 1 to 100 records, not 0"),
        (("number_inpatient", "INT64", [2**62], b"12345678"), "has 8 bytes of binary data; 46116860184273"),
        (("number_inpatient", "BOOL", [1], b"\1"), "must have the datatype INT64, not 'BOOL'"),
        (("race", "INT64", [1], b"12345678"), "must have the datatype BYTES, not 'INT64'"),
    ],
)
def test_a_message_names_what_is_wrong_with_binary_data(
    tensor: tuple[str, str, list[int], bytes], message: str
) -> None:
    assert message in message_of(*request(tensor))


def test_a_patient_may_be_a_number_or_a_text_but_not_a_rounded_number() -> None:
    number = np.array([189_502_619], "<i8").tobytes()

    assert parse(*request(("patient_nbr", "INT64", [1], number))).records == [{"patient_nbr": 189_502_619}]
    assert parse(*request(("patient_nbr", "BYTES", [1], texts(["MRN-7"])))).records == [{"patient_nbr": "MRN-7"}]
    rounded = np.array([189_502_619], "<f4").tobytes()
    assert "must have the datatype INT64 or BYTES, not 'FP32'" in message_of(
        *request(("patient_nbr", "FP32", [1], rounded))
    )


def test_a_message_names_what_is_wrong_with_sizes() -> None:
    body, header = request(("race", "BYTES", [1], texts(["Asian"])))
    length = int(header)

    assert "input 'race' declares 9 bytes of binary data; the body has 4 more" in message_of(body[:-5], header).lower()
    assert "5 bytes after the JSON belong to no input" in message_of(body + b"extra", header)
    assert "from 1 to" in message_of(body, b"0")
    assert "names the inputs" in message_of(body, b"0")
    for wrong in (str(len(body) + 1).encode(), b"-1", b"", b"1e3", b"\xb2", b"9" * 40):
        assert "must be the length of the JSON" in message_of(body, wrong)
    for size, problem in ((-1, "greater than or equal to 0"), ("9", "valid integer"), (2**70, "declares 1180591620")):
        inputs = [{"name": "race", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": size}}]
        document = json.dumps({"inputs": inputs}).encode()
        assert problem in message_of(document + body[length:], str(len(document)).encode())


def test_an_input_has_values_in_one_place() -> None:
    tensor = {"name": "race", "datatype": "BYTES", "shape": [1]}
    both = {**tensor, "data": ["Asian"], "parameters": {"binary_data_size": 0}}

    for wrong in (tensor, both, {**tensor, "data": None, "parameters": None}):
        assert "either data or the parameter binary_data_size" in message_of(
            json.dumps({"inputs": [wrong]}).encode(), None
        )


def test_shared_memory_and_classification_are_refused() -> None:
    tensor = {"name": "race", "datatype": "BYTES", "shape": [1], "data": ["Asian"]}
    in_memory = {"inputs": [{**tensor, "parameters": {"shared_memory_region": "r"}}]}
    classes = {"inputs": [tensor], "outputs": [{"name": "probability", "parameters": {"classification": 2}}]}

    assert "Input 'race': shared_memory_region is not supported" in message_of(json.dumps(in_memory).encode(), None)
    assert "Output 'probability': classification is not supported" in message_of(json.dumps(classes).encode(), None)


@given(st.data())
def test_damaged_requests_are_parsed_or_refused(data: st.DataObject) -> None:
    """Whatever the sizes, shapes, lengths and bytes: records of the schema's columns, or an error of the request."""
    tensors = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(["race", "number_inpatient", "patient_nbr", "colour"]),
                st.sampled_from([*binary_tensors.NUMBERS, "BYTES", "BOOL", "BF16"]),
                st.lists(st.integers(-2, 5) | st.just(2**63), max_size=3),
                st.binary(max_size=40) | st.lists(TEXTS, max_size=4).map(texts),
            ),
            min_size=1,
            max_size=3,
        )
    )
    body, header = request(*tensors)
    body = data.draw(st.sampled_from([body, body[:-1], body + b"\0", body[: len(body) // 2]]) | st.binary(max_size=60))
    header = data.draw(st.sampled_from([header]) | st.integers(-5, 400).map(lambda size: str(size).encode()))

    try:
        parsed = parse(body, header)
    except (InvalidRecordsError, MalformedBodyError):
        return
    assert 1 <= len(parsed.records) <= LIMIT
    assert all(name in BY_NAME for record in parsed.records for name in record)


def test_outputs_are_returned_as_json_or_as_binary_data() -> None:
    values = (np.array([0.25, 0.5], np.float32), [1, 2], [0.5, 0.75])

    tensors, blocks = output_tensors(2, values, {"reliability": True, "probability": False, "known_fields": True})

    assert [tensor["name"] for tensor in tensors] == ["reliability", "probability", "known_fields"]
    assert [tensor.get("parameters") for tensor in tensors] == [
        {"binary_data_size": 16},
        None,
        {"binary_data_size": 16},
    ]
    assert [list(np.frombuffer(blocks[0], "<f8")), list(np.frombuffer(blocks[1], "<i8"))] == [[0.5, 0.75], [1, 2]]


def test_an_output_overrides_the_default_of_the_request() -> None:
    tensor = {"name": "race", "datatype": "BYTES", "shape": [1], "data": ["Asian"]}
    outputs = [{"name": "probability"}, {"name": "reliability", "parameters": {"binary_data": False}}]
    document = {"inputs": [tensor], "outputs": outputs, "parameters": {"binary_data_output": True}}

    assert parse(json.dumps(document).encode(), None).outputs == {"probability": True, "reliability": False}


@given(st.lists(TEXTS))
def test_texts_survive_their_encoding(values: list[str]) -> None:
    data = memoryview(binary_tensors.encode("BYTES", values))

    assert binary_tensors.decode("race", "BYTES", len(values), data) == values
