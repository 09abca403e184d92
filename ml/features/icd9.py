"""ICD-9-CM: order of the codes, chapters, and groups of codes by condition.

Source of the chapters: tabular list of ICD-9-CM, volume 1.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

CHAPTERS: Final[tuple[tuple[float, float], ...]] = (
    (1, 140),  # infectious and parasitic
    (140, 240),  # neoplasms
    (240, 250),  # endocrine without diabetes
    (250, 251),  # diabetes
    (251, 280),  # other endocrine, nutritional, metabolic
    (280, 290),  # blood
    (290, 320),  # mental
    (320, 390),  # nervous system and senses
    (390, 460),  # circulatory
    (460, 520),  # respiratory
    (520, 580),  # digestive
    (580, 630),  # genitourinary
    (630, 680),  # pregnancy
    (680, 710),  # skin
    (710, 740),  # musculoskeletal
    (740, 780),  # congenital and perinatal
    (780, 800),  # symptoms
    (800, 1000),  # injury and poisoning
    (1000, 1200),  # V: factors influencing health status
    (1200, 2300),  # E: external causes
)
"""Half-open ranges of :func:`order`."""

CONDITIONS: Final[Mapping[str, tuple[tuple[float, float], ...]]] = {
    "heart_failure": ((428, 429),),
    "myocardial_infarction": ((410, 413),),
    "coronary_disease": ((414, 415),),
    "arrhythmia": ((427, 428),),
    "cerebrovascular": ((430, 439),),
    "gangrene": ((785.4, 785.5),),
    "obstructive_lung_disease": ((490, 497),),
    "pneumonia": ((480, 489), (507, 508)),
    "renal_failure": ((584, 587),),
    "dialysis": ((1045, 1046), (1056, 1057)),
    "transplant": ((1042, 1043),),
    "liver_disease": ((570, 574),),
    "cancer": ((140, 196), (200, 210)),
    "metastasis": ((196, 200),),
    "chemotherapy": ((1058, 1059),),
    "rehabilitation": ((1057, 1058),),
    "anaemia": ((280, 286),),
    "sickle_cell": ((282.6, 282.7),),
    "dementia": ((290, 291), (294, 295)),
    "psychosis": ((295, 302),),
    "substance_use": ((303, 306),),
    "skin_ulcer": ((707, 708),),
    "sepsis": ((38, 39), (995.9, 996)),
    "fluid_disorder": ((276, 277),),
    "complicated_diabetes": ((250.1, 251),),
}
"""Condition -> half-open ranges of :func:`order`."""

_PARTS: Final = re.compile(r"([VE]?)(\d+)(?:\.(\d+))?")


def order(code: str) -> float:
    """Position of a code in the code book: 428.31 is 428.31, V27 is 1027, E909 is 2109.

    Raises:
        ValueError: it is not an ICD-9-CM code.
    """
    found = _PARTS.fullmatch(code)
    if found is None:
        raise ValueError(f"{code!r} is not an ICD-9-CM code")
    letter, number, decimals = found.groups()
    return {"": 0, "V": 1000, "E": 1200}[letter] + float(f"{number}.{decimals or 0}")


def parent(code: str) -> str:
    """The category of a code: 428.31 is in 428."""
    return code.partition(".")[0]


def categories() -> Iterator[str]:
    """Every category of the schema, in the canonical spelling."""
    yield from map(str, range(1, 1000))
    yield from (f"V{number:02d}" for number in range(100))
    yield from (f"E{number:03d}" for number in (*range(31), *range(800, 1000)))


def chapter(place: float) -> int:
    """Number of the chapter of a position; -1 outside all chapters."""
    return next((number for number, (low, high) in enumerate(CHAPTERS) if low <= place < high), -1)


def conditions(place: float) -> tuple[bool, ...]:
    """Whether a position belongs to each of :data:`CONDITIONS`."""
    return tuple(any(low <= place < high for low, high in ranges) for ranges in CONDITIONS.values())


def diabetes_decimals(place: float) -> int:
    """Decimals of 250.xx, which encode complication and control; -1 for other codes."""
    return round((place - 250) * 100) if 250 <= place < 251 else -1
