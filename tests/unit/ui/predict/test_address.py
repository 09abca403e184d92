from typing import Any
from urllib.parse import parse_qsl, urlencode

from hypothesis import given
from hypothesis import strategies as st

from ml.schema import EXAMPLE_RECORD, FEATURES, Column, Kind
from ml.schema.code_systems import CodeSystem
from tests.support.codes import ICD9_SPELLINGS
from ui.predict import address
from ui.predict.fields import Entries

ICD10 = st.sampled_from(["E11.9", "J44.9", "V45.1", "A01.00"])


def values(column: Column, system: CodeSystem) -> st.SearchStrategy[Any]:
    if column.kind is Kind.ICD9:
        return ICD10 if system is CodeSystem.ICD10 else ICD9_SPELLINGS.map(column.canonical)
    if column.kind is Kind.COUNT:
        return st.integers(column.low, column.high)
    return st.sampled_from(column.allowed)


@st.composite
def entries(draw: st.DrawFn) -> Entries:
    system = draw(st.sampled_from(list(CodeSystem)))
    fields = {one.name: values(one, system) for one in FEATURES}
    record = draw(st.fixed_dictionaries({}, optional=fields))
    identifiers = st.one_of(st.integers(1, 10**9), st.just("MRN 7")) if draw(st.booleans()) else st.just(None)
    patient = draw(identifiers)
    return Entries(record if patient is None else {**record, "patient_nbr": patient}, system)


@given(entries(), st.sampled_from([{}, {"time_in_hospital": 20}]))
def test_an_address_keeps_every_entry_but_identifiers(given_entries: Entries, excess: dict[str, int]) -> None:
    encoded = address.encode(given_entries, excess)
    received = dict(parse_qsl(urlencode(encoded), keep_blank_values=True))
    expected = {name: value for name, value in given_entries.record.items() if name != "patient_nbr"} | excess
    assert address.decode(received) == Entries(expected, given_entries.system)
    assert received.keys() <= address.NAMES


def test_medications_that_are_not_prescribed_are_one_parameter() -> None:
    encoded = address.encode(Entries(EXAMPLE_RECORD), {})  # type: ignore[arg-type]
    assert encoded["insulin"] == "Steady"
    assert encoded[address.OTHERS] == "No"
    assert "metformin" not in encoded


def test_what_is_not_valid_is_neither_written_nor_read() -> None:
    typed = Entries({"diag_1": "Jane Doe", "num_medications": 990, "race": "Asian", "patient_nbr": "Jane Doe"})
    assert address.encode(typed, {}) == {"race": "Asian"}
    wrong = {"diag_1": "<script>", "age": "67", "time_in_hospital": "x", "num_procedures": "-1", "patient_nbr": "7"}
    assert address.decode({**wrong, "race": "Asian", "code_system": "snomed"}) == Entries({"race": "Asian"})


@given(st.dictionaries(st.sampled_from(sorted(address.NAMES)), st.text(max_size=8)))
def test_any_address_is_read(parameters: dict[str, str]) -> None:
    decoded = address.decode(parameters)
    assert address.decode(address.encode(decoded, {})).record == {
        name: min(value, 14) if name == "time_in_hospital" and isinstance(value, int) else value
        for name, value in decoded.record.items()
        if name != "time_in_hospital" or not isinstance(value, int) or value <= 14
    }
