import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.schema import canonical_icd9
from ml.schema.code_systems import COLUMNS_IN, CodeSystem
from ml.schema.icd10 import to_icd9
from ui.predict.diagnosis import names, search

BOTH = list(CodeSystem)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("428", "428"),
        (" 250.83 ", "250.83"),
        ("038 Septicemia", "38"),
        ("0389", "38.9"),
        ("heart failure", "428"),
        ("Insuficiencia cardiaca", "428"),
        ("parkinson", "332"),
        ("Heart attack", "410"),
        ("infarto de corazón", "410"),
        ("chest pain", "786"),
        ("dolor en el pecho", "786"),
        ("gripe", "487"),
    ],
)
def test_a_code_a_name_or_a_word_of_one_diagnosis_is_its_code(entry: str, code: str) -> None:
    assert search.code_of(entry) == code


@pytest.mark.parametrize("entry", ["stroke", "kidney failure", "xyzzy", "E90", "4283.1", "", "?", "J44.9", "u07.1"])
def test_what_is_ambiguous_or_of_another_code_system_is_unchanged(entry: str) -> None:
    assert search.code_of(entry) == entry


@pytest.mark.parametrize(
    ("entry", "first"),
    [
        ("stroke", ["434", "431"]),
        ("ictus", ["434", "431"]),
        ("sepsis", ["38", "995"]),
        ("septicemia", ["38"]),
        ("heart attack", ["410"]),
        ("chest pa", ["786"]),
        ("kidney failure", ["584", "585", "586"]),
        ("fallo renal", ["584", "585", "586"]),
        ("hip frac", ["820"]),
        ("Neoplasm of kidney", ["189"]),
        ("J44.9", ["496", "491.2", "493.2"]),
        ("4283.1", ["428.31"]),
        ("E90", ["E932"]),
    ],
)
def test_the_most_likely_diagnoses_come_first(entry: str, first: list[str]) -> None:
    if entry == "E90":  # no such name: the categories that begin so have only their chapter
        assert search.suggestions(entry) == ()
    else:
        assert list(search.suggestions(entry))[: len(first)] == first


def test_a_word_gives_codes_of_the_chosen_code_system() -> None:
    assert search.suggestions("stroke", CodeSystem.ICD10)[:2] == ("I63.9", "I61.9")
    assert search.code_of("heart attack", CodeSystem.ICD10) == "I21.9"


@given(st.text(max_size=12), st.sampled_from(BOTH))
def test_whatever_is_typed_is_a_code_or_unchanged_and_suggestions_are_valid(entry: str, system: CodeSystem) -> None:
    column = COLUMNS_IN[system]["diag_1"]
    code = search.code_of(entry, system)
    assert code == entry.strip() or column.accepts(code)
    assert all(column.accepts(one) for one in search.suggestions(entry, system))
    assert len(search.suggestions(entry, system)) <= search.LIMIT


@pytest.mark.parametrize("system", BOTH)
def test_a_suggestion_that_is_chosen_is_its_code(system: CodeSystem) -> None:
    for entry in ("stroke", "sepsis", "kidney", "J44.9", "4283.1"):
        assert all(search.code_of(one, system) == one for one in search.suggestions(entry, system))


def test_every_name_is_found_by_itself() -> None:
    assert all(
        code in search.suggestions(names.names()[code][language]) for code in names.names() for language in ("en", "es")
    )  # type: ignore[index]


def test_the_codes_of_an_everyday_word_are_counterparts() -> None:
    for one in search.everyday():
        icd9, conversion = one.codes[CodeSystem.ICD9], to_icd9(one.codes[CodeSystem.ICD10])
        assert canonical_icd9(icd9) == icd9
        found = {choice.partition(".")[0] for choice in conversion.choices}
        assert icd9 in conversion.choices or icd9.partition(".")[0] in found, one


def test_the_words_of_the_file_are_clean_and_in_both_languages() -> None:
    with search.FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for language in ("en", "es"):
            words = row[language].split(";")
            assert all(word and word == word.strip() == word.lower() for word in words), row
            assert len(set(words)) == len(words), row
    assert len({(row["icd9"], row["icd10"]) for row in rows}) == len(rows)
