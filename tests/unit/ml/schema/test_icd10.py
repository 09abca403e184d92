import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.schema.icd9 import canonical_icd9
from ml.schema.icd10 import Conversion, _rows, canonical_icd10, to_icd9

CODES = sorted(
    f"{category}.{suffix}" if suffix else category
    for category, rows in _rows().items()
    for _, suffixes in rows
    for suffix in suffixes.split(" ")
)
SEVERAL = "ICD-9-CM has several counterparts of "


def test_the_table_has_every_code_of_2018_once() -> None:
    assert len(CODES) == len(set(CODES)) == 71_704
    assert all(canonical_icd10(code) == code for code in CODES)


def test_every_counterpart_is_a_canonical_icd_9_cm_code() -> None:
    for code in CODES:
        conversion = to_icd9.__wrapped__(code)
        assert (conversion.given, conversion.nearest) == (code, code)
        for counterpart in {*conversion.choices, conversion.used} - {None}:
            assert canonical_icd9(counterpart) == counterpart, code


@given(st.sampled_from(CODES), st.booleans(), st.booleans(), st.text(" \t", max_size=3))
def test_every_spelling_of_a_code_converts_alike(code: str, dot: bool, upper: bool, space: str) -> None:
    spelled = code if dot else code.replace(".", "")
    assert to_icd9(space + (spelled if upper else spelled.lower()) + space) == to_icd9(code)


@given(st.from_regex(r"\A[A-Z][0-9][0-9AB](\.[0-9A-Z]{1,4})?\Z"))
def test_any_code_converts_to_an_icd_9_cm_code_or_says_that_it_is_unknown(code: str) -> None:
    conversion = to_icd9(code)
    if conversion.used is None:
        assert conversion.warning is not None
        assert conversion.warning.endswith("the diagnosis counts as unknown")
    else:
        assert canonical_icd9(conversion.used) == conversion.used


@pytest.mark.parametrize(
    ("code", "conversion"),
    [
        ("E11.9", Conversion("E11.9", "250", ("250",), "E11.9")),
        ("e1140", Conversion("E11.40", "250.6", ("250.6",), "E11.40")),
        ("I50.32", Conversion("I50.32", "428.32", ("428.32",), "I50.32")),
        ("I110", Conversion("I11.0", "402", ("402.01", "402.11", "402.91"), "I11.0")),
        ("Z794", Conversion("Z79.4", "V58.67", ("V58.67",), "Z79.4")),
        ("M1A9XX0", Conversion("M1A.9XX0", "274.02", ("274.02",), "M1A.9XX0")),
    ],
)
def test_a_code_with_one_counterpart_or_category_converts_without_warning(code: str, conversion: Conversion) -> None:
    assert to_icd9(code) == conversion
    assert conversion.warning is None


@pytest.mark.parametrize(
    ("code", "used", "warning"),
    [
        ("J44.9", "496", f"{SEVERAL}J44.9 (496, 491.2, 493.2): 496 was used"),
        ("A41.9", "38.9", f"{SEVERAL}A41.9 (38.9, 995.91): 38.9 was used"),
        ("E11", "250", "the table of 2018 does not have E11: it was converted like E11.9, to 250"),
        ("E11.A", "250", "the table of 2018 does not have E11.A: it was converted like E11.9, to 250"),
        ("S02.10XD", "V54.19", "the table of 2018 does not have S02.10XD: it was converted like S02.109D, to V54.19"),
        ("U07.1", None, "ICD-9-CM has no counterpart of U07.1: the diagnosis counts as unknown"),
        ("R40.2130", None, "ICD-9-CM has no counterpart of R40.2130: the diagnosis counts as unknown"),
    ],
)
def test_what_a_conversion_loses_is_said(code: str, used: str | None, warning: str) -> None:
    conversion = to_icd9(code)
    assert (conversion.used, conversion.warning) == (used, warning)


@pytest.mark.parametrize("text", ["", "428", "250.60", "E1", "E11..9", "E11.12345", "E11-9", "Ｅ11.9", "E٣1.9"])
def test_a_text_that_is_not_an_icd_10_cm_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ICD-10-CM code"):
        to_icd9(text)


def test_the_table_is_read_only_when_a_code_is_converted() -> None:
    program = "from ml.schema import icd10; assert icd10._rows.cache_info().currsize == 0"
    subprocess.run([sys.executable, "-c", program], check=True)
