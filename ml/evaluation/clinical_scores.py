"""Points of the clinical scores LACE and HOSPITAL, as far as the data set has their fields.

Both are proxies: each function states which parts are exact, approximate or missing. An unknown field scores 0 points.
"""

from bisect import bisect
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from ml.schema import UNKNOWN

Encounter = Mapping[str, Any]
Ranges = tuple[tuple[int, int], ...]
"""First and last categories of ICD-9-CM."""

DIAGNOSES: Final = ("diag_1", "diag_2", "diag_3")
EMERGENCY_TYPE: Final = 1
EMERGENCY_ROOM: Final = 7
NON_ELECTIVE_TYPES: Final = (1, 2, 7)

LACE_FIELDS: Final = ("time_in_hospital", "admission_type_id", "admission_source_id", "number_emergency", *DIAGNOSES)
HOSPITAL_FIELDS: Final = (
    *("num_procedures", "admission_type_id", "number_inpatient", "time_in_hospital", "medical_specialty"),
    *DIAGNOSES,
)

_GROUPS: Final[tuple[tuple[str, Ranges], ...]] = (
    ("circulatory", ((390, 459), (785, 785))),
    ("respiratory", ((460, 519), (786, 786))),
    ("digestive", ((520, 579), (787, 787))),
    ("diabetes", ((250, 250),)),
    ("injury", ((800, 999),)),
    ("musculoskeletal", ((710, 739),)),
    ("genitourinary", ((580, 629), (788, 788))),
    ("neoplasm", ((140, 239),)),
)

_COMORBIDITIES: Final[tuple[tuple[str, int, Ranges], ...]] = (
    ("myocardial infarction", 1, ((410, 410), (412, 412))),
    ("cerebrovascular disease", 1, ((430, 438),)),
    ("peripheral vascular disease", 1, ((441, 441), (443, 443))),
    ("heart failure", 2, ((428, 428),)),
    ("chronic pulmonary disease", 2, ((490, 496), (500, 505))),
    ("liver", 2, ((571, 571),)),
    ("liver", 4, ((456, 456), (572, 572))),
    ("kidney", 2, ((582, 583), (585, 586), (588, 588))),
    ("tumour", 2, ((140, 172), (174, 195), (200, 208))),
    ("tumour", 6, ((196, 199),)),
    ("dementia", 3, ((290, 290),)),
    ("connective tissue disease", 3, ((710, 710), (714, 714), (725, 725))),
    ("HIV", 4, ((42, 44),)),
)
"""Condition, points in LACE, and categories after Deyo; only the worst form of a condition counts."""

_END_ORGAN_DIGITS: Final = "4567"
"""First decimals of 250 that stand for damage to kidney, eye, nerve or circulation (Quan 2005)."""


@cache
def icd9_group(code: str | None) -> str:
    """Strack's nine groups of diagnoses (2014), or "unknown"; V and E codes are in "other"."""
    if code in (None, UNKNOWN):
        return "unknown"
    category = _category(code)
    return next((name for name, ranges in _GROUPS if _within(category, ranges)), "other")


def comorbidity_points(codes: Iterable[str | None]) -> int:
    """C of LACE from the recorded diagnoses: the sum over conditions up to 3, and 5 from 4 on.

    It is an undercount: there are three diagnoses, and the primary one is the reason of the stay. Conditions are the
    ICD-9-CM ranges of Deyo (J Clin Epidemiol 1992;45:613) in whole categories, because only 250 has decimals in the
    data; weights are those of van Walraven (CMAJ 2010;182:551). Kidney disease counts as mild: its stage is unknown.
    """
    worst: dict[str, int] = {}
    for code in codes:
        condition, points = _comorbidity(code)
        worst[condition] = max(points, worst.get(condition, 0))
    total = sum(worst.values())
    return total if total <= 3 else 5


def lace_points(record: Encounter) -> int:
    """LACE proxy, 0 to 19 points: van Walraven, CMAJ 2010;182:551.

    L, the length of stay, is exact. A, an acute admission, is approximate: type emergency or source emergency room,
    so the source decides for an unknown type (5, 6, 8). C is an undercount, see :func:`comorbidity_points`. E counts
    emergency visits of a year instead of six months.
    """
    acute = record.get("admission_type_id") == EMERGENCY_TYPE or record.get("admission_source_id") == EMERGENCY_ROOM
    return (
        (0, 1, 2, 3, 4, 5, 7)[bisect((1, 2, 3, 4, 7, 14), record.get("time_in_hospital") or 0)]
        + (3 if acute else 0)
        + comorbidity_points(record.get(name) for name in DIAGNOSES)
        + min(int(record.get("number_emergency") or 0), 4)
    )


def hospital_points(record: Encounter) -> int:
    """HOSPITAL proxy, five of seven parts and at most 11 of 13 points: Donzé, JAMA Intern Med 2013;173:632.

    Exact: a procedure (1 point), a stay of five days or more (2), and stays of the year before, 0, 1-5 or more (0, 2,
    5). Approximate: non-elective admission is type 1, 2 or 7 (1); discharge from oncology is an oncological specialty
    or a neoplasm among the diagnoses (2). Missing: haemoglobin and sodium.
    """
    stays = int(record.get("number_inpatient") or 0)
    neoplasm = any(icd9_group(record.get(name)) == "neoplasm" for name in DIAGNOSES)
    return (
        (1 if (record.get("num_procedures") or 0) > 0 else 0)
        + (1 if record.get("admission_type_id") in NON_ELECTIVE_TYPES else 0)
        + (5 if stays > 5 else 2 if stays else 0)
        + (2 if (record.get("time_in_hospital") or 0) >= 5 else 0)
        + (2 if neoplasm or "Onco" in str(record.get("medical_specialty")) else 0)
    )


@cache
def _comorbidity(code: str | None) -> tuple[str, int]:
    if code is None:
        return "none", 0
    category = _category(code)
    if category == 250:
        decimal = code.partition(".")[2][:1]
        return "diabetes", 2 if decimal and decimal in _END_ORGAN_DIGITS else 1
    found = ((name, points) for name, points, ranges in _COMORBIDITIES if _within(category, ranges))
    return next(found, ("none", 0))


def _category(code: str) -> int:
    """The whole number before the point; -1 for V and E codes."""
    whole = code.partition(".")[0]
    return int(whole) if whole.isdigit() else -1


def _within(category: int, ranges: Ranges) -> bool:
    return any(low <= category <= high for low, high in ranges)
