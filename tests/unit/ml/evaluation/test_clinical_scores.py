"""The points of LACE and HOSPITAL, rule by rule."""

from typing import Any

import pytest

from ml.evaluation.clinical_scores import comorbidity_points, hospital_points, icd9_group, lace_points
from ml.schema.codes import SPECIALTIES


@pytest.mark.parametrize(
    ("days", "points"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 4), (7, 5), (13, 5), (14, 7), (30, 7)]
)
def test_l_of_lace_grows_with_the_length_of_the_stay(days: int, points: int) -> None:
    assert lace_points({"time_in_hospital": days}) == points


@pytest.mark.parametrize(
    ("admission", "points"),
    [
        ({"admission_type_id": 1}, 3),
        ({"admission_type_id": 2}, 0),
        ({"admission_type_id": 3, "admission_source_id": 1}, 0),
        ({"admission_type_id": 6, "admission_source_id": 7}, 3),
        ({"admission_type_id": 5, "admission_source_id": 1}, 0),
        ({"admission_source_id": 7}, 3),
    ],
)
def test_a_of_lace_is_an_emergency_by_type_or_by_source(admission: dict[str, int], points: int) -> None:
    assert lace_points(admission) == points


@pytest.mark.parametrize(
    ("codes", "points"),
    [
        (["401", "276", "599"], 0),
        (["410", None, None], 1),
        (["250.02", "401", None], 1),
        (["250.6", "401", None], 2),
        (["428", "401", None], 2),
        (["496", "250.01", None], 3),
        (["428", "250.4", None], 5),
        (["290", "401", None], 3),
        (["42", None, None], 5),
        (["162", None, None], 2),
        (["162", "198", None], 5),
        (["585", "403", None], 2),
        (["V45", "E909", "?"], 0),
    ],
)
def test_c_of_lace_sums_comorbidities_and_is_5_from_4_on(codes: list[str | None], points: int) -> None:
    assert comorbidity_points(codes) == points
    assert lace_points(dict(zip(("diag_1", "diag_2", "diag_3"), codes, strict=True))) == points


def test_of_one_condition_only_the_worst_form_counts() -> None:
    assert comorbidity_points(["250.01", "250", "250.02"]) == 1
    assert comorbidity_points(["250.01", "250.5", None]) == 2
    assert comorbidity_points(["571", "571", None]) == 2


@pytest.mark.parametrize(("visits", "points"), [(0, 0), (1, 1), (4, 4), (9, 4)])
def test_e_of_lace_is_emergency_visits_up_to_4(visits: int, points: int) -> None:
    assert lace_points({"number_emergency": visits}) == points


def test_lace_reaches_19_points() -> None:
    worst = {"time_in_hospital": 14, "admission_type_id": 1, "diag_1": "428", "diag_2": "585", "number_emergency": 12}

    assert lace_points(worst) == 7 + 3 + 5 + 4


@pytest.mark.parametrize(
    ("record", "points"),
    [
        ({"num_procedures": 0}, 0),
        ({"num_procedures": 3}, 1),
        ({"admission_type_id": 1}, 1),
        ({"admission_type_id": 2}, 1),
        ({"admission_type_id": 7}, 1),
        ({"admission_type_id": 3}, 0),
        ({"admission_type_id": 6}, 0),
        ({"number_inpatient": 0}, 0),
        ({"number_inpatient": 1}, 2),
        ({"number_inpatient": 5}, 2),
        ({"number_inpatient": 6}, 5),
        ({"time_in_hospital": 4}, 0),
        ({"time_in_hospital": 5}, 2),
        ({"medical_specialty": "Hematology/Oncology"}, 2),
        ({"medical_specialty": "Obsterics&Gynecology-GynecologicOnco"}, 2),
        ({"medical_specialty": "Cardiology"}, 0),
        ({"diag_3": "174"}, 2),
        ({"diag_1": "174", "medical_specialty": "Oncology"}, 2),
    ],
)
def test_parts_of_hospital(record: dict[str, Any], points: int) -> None:
    assert hospital_points(record) == points


def test_hospital_reaches_11_of_its_13_points() -> None:
    worst = {
        "num_procedures": 6,
        "admission_type_id": 1,
        "number_inpatient": 9,
        "time_in_hospital": 14,
        "medical_specialty": "Oncology",
    }

    assert hospital_points(worst) == 11


def test_unknown_fields_score_0_points() -> None:
    unknown = dict.fromkeys(("time_in_hospital", "number_emergency", "number_inpatient", "diag_1", "medical_specialty"))

    assert lace_points({}) == lace_points(unknown) == hospital_points({}) == hospital_points(unknown) == 0


def test_four_specialties_are_oncological() -> None:
    assert [s for s in SPECIALTIES if hospital_points({"medical_specialty": s})] == [
        "Hematology/Oncology",
        "Obsterics&Gynecology-GynecologicOnco",
        "Oncology",
        "Pediatrics-Hematology-Oncology",
    ]


@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("428", "circulatory"),
        ("785", "circulatory"),
        ("486", "respiratory"),
        ("787", "digestive"),
        ("250.83", "diabetes"),
        ("250", "diabetes"),
        ("996", "injury"),
        ("715", "musculoskeletal"),
        ("788", "genitourinary"),
        ("162", "neoplasm"),
        ("276", "other"),
        ("38", "other"),
        ("V57", "other"),
        ("E885", "other"),
        (None, "unknown"),
        ("?", "unknown"),
    ],
)
def test_diagnoses_fall_into_the_groups_of_strack(code: str | None, group: str) -> None:
    assert icd9_group(code) == group
