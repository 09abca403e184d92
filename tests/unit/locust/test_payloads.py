"""Records of the load test: valid, plausible, reproducible, and distributed like the genuine data."""

import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.schema import BY_NAME, CANNOT_BE_READMITTED, FEATURES, ICD9_PATTERN, UNKNOWN, Group, Kind
from ml.schema.marginals import MARGINALS

KINDS = ("three_fields", "partial", "full")
DRUGS = [c.name for c in FEATURES if c.group is Group.MEDICATIONS and c.name not in ("change", "diabetesMed")]


@pytest.fixture(scope="module")
def full(payloads: ModuleType) -> list[dict[str, str | int]]:
    sampler = payloads.Sampler(1)
    return [sampler.full() for _ in range(5_000)]


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(min_value=0))
def test_every_record_is_allowed_by_the_schema(payloads: ModuleType, kind: str, seed: int) -> None:
    record = getattr(payloads.Sampler(seed), kind)()

    assert record
    assert {name: value for name, value in record.items() if not _allows(name, value)} == {}


def test_the_smallest_record_has_race_gender_and_age(payloads: ModuleType) -> None:
    sampler = payloads.Sampler(2)

    assert {tuple(sampler.three_fields()) for _ in range(200)} == {("race", "gender", "age")}


def test_partial_records_are_of_many_sizes(payloads: ModuleType) -> None:
    sampler = payloads.Sampler(3)
    sizes = {len(sampler.partial()) for _ in range(500)}

    assert min(sizes) <= 3
    assert max(sizes) >= 40


def test_a_batch_has_the_requested_size_and_mostly_full_records(payloads: ModuleType) -> None:
    batch = payloads.Sampler(4).batch(300)

    assert len(batch) == 300
    assert sum(len(record) > 40 for record in batch) > 200
    assert any(len(record) == 3 for record in batch)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_records(payloads: ModuleType, kind: str) -> None:
    one, same, other = (payloads.Sampler(seed) for seed in (5, 5, 6))
    drawn = [[getattr(sampler, kind)() for _ in range(20)] for sampler in (one, same, other)]

    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    "name", [c.name for c in FEATURES if c.kind is not Kind.ICD9 and c.name not in ("change", "diabetesMed")]
)
def test_values_have_the_frequencies_of_the_genuine_data(full: list[dict[str, str | int]], name: str) -> None:
    found = Counter(record.get(name, UNKNOWN) for record in full)
    expected = MARGINALS[name]
    total = sum(expected.values())

    assert max(abs(found[value] / len(full) - count / total) for value, count in expected.items()) < 0.03


def test_no_record_has_a_discharge_by_death(full: list[dict[str, str | int]]) -> None:
    assert not CANNOT_BE_READMITTED & {record.get("discharge_disposition_id") for record in full}


def test_doses_agree_with_the_two_summary_columns(full: list[dict[str, str | int]]) -> None:
    for record in full:
        given_doses = [record[name] for name in DRUGS if record[name] != "No"]
        changed = len(given_doses) > 1 or bool({"Up", "Down"} & set(given_doses))
        assert record["diabetesMed"] == ("Yes" if given_doses else "No")
        assert record["change"] == ("Ch" if changed else "No")


def test_diagnoses_are_distinct(full: list[dict[str, str | int]]) -> None:
    for record in full:
        diagnoses = [record[name] for name in ("diag_1", "diag_2", "diag_3") if name in record]
        assert len(set(diagnoses)) == len(diagnoses)


def test_records_are_plausible(full: list[dict[str, str | int]]) -> None:
    for record in full:
        specialty = str(record.get("medical_specialty"))
        assert not (specialty.startswith("Pediatrics") and record["age"] not in ("[0-10)", "[10-20)"))
        assert not (specialty == "ObstetricsandGynecology" and record["gender"] == "Male")
        assert not (record.get("admission_type_id") == 4 and record["age"] != "[0-10)")


def test_the_folder_of_the_load_test_is_not_a_package() -> None:
    folder = Path(__file__).parents[3] / "locust"

    assert not (folder / "__init__.py").exists(), "it would shadow the library"


def _allows(name: str, value: object) -> bool:
    column = BY_NAME[name]
    if not column.is_feature or isinstance(value, int) is not column.is_number:
        return False
    match column.kind:
        case Kind.ICD9:
            return re.fullmatch(ICD9_PATTERN, str(value)) is not None
        case Kind.COUNT:
            return (column.low or 0) <= int(str(value)) <= (column.high or 0)
        case _:
            return value in column.allowed
