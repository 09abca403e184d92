"""Makes ``ml/schema/icd10.csv`` from the General Equivalence Mappings of the CMS.

``python -m bench.icd10.table FILE 2018_I10gem.txt`` takes the genuine data set and the mapping from ICD-10-CM to
ICD-9-CM, of "2018 ICD-10-CM General Equivalence Mappings" on cms.gov (public domain). The latter has a line per
counterpart: both codes without dots, and five flags: approximate, no counterpart, combination, scenario, choice list.

Where single codes are counterparts, combinations of codes are left out: a field holds one code. Counterparts are in the
order of how many diagnoses of the data set are in their category; equally frequent ones keep the order of the mapping.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Final

from bench.genuine import data_file
from ml.data.cohort import cohort_of_file
from ml.schema import icd9, icd10
from ml.schema.columns import COLUMNS, Kind

_TABLE: Final = Path(icd10.__file__).with_suffix(".csv")
_NO_COUNTERPART: Final = "NoDx"
_COMBINATION: Final = 2  # positions of flags
_SCENARIO: Final = 3


def counterparts_of(mapping: Iterable[str], spell: Callable[[str], str]) -> dict[str, list[str]]:
    """Counterparts by undotted code, spelled by `spell`, in the order of a mapping in either direction."""
    single: dict[str, list[str]] = {}
    combined: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in mapping:
        code, counterpart, flags = line.split()
        single.setdefault(code, [])
        if counterpart == _NO_COUNTERPART:
            continue
        if flags[_COMBINATION] == "1":
            combined[code].append((flags[_SCENARIO:], spell(counterpart)))
        else:
            single[code].append(spell(counterpart))
    for code in single.keys() & combined.keys():
        single[code] = single[code] or [target for _, target in sorted(combined[code], key=itemgetter(0))]
    return {code: list(dict.fromkeys(codes)) for code, codes in single.items()}


def frequencies(file: Path) -> Counter[str]:
    """Number of diagnoses in the data set by code."""
    table = cohort_of_file(file).table
    names = [column.name for column in COLUMNS if column.kind is Kind.ICD9]
    return Counter(str(code) for name in names for code in table[name].dropna())


def table_of(counterparts: Mapping[str, list[str]], frequency: Mapping[str, int]) -> str:
    """The text of the table."""

    def diagnoses_like(code: str) -> int:
        """Diagnoses with the code or, if the data set does not have it, in its category."""
        return frequency.get(code) or frequency.get(code.partition(".")[0], 0)

    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code in sorted(counterparts):
        choices = sorted(counterparts[code], key=diagnoses_like, reverse=True)
        rows[code[:3], " ".join(choices)].append(code[3:])
    lines = (f"{category},{choices},{' '.join(suffixes)}\n" for (category, choices), suffixes in rows.items())
    return "category,icd9,suffixes\n" + "".join(lines)


def main() -> None:
    """Write the table."""
    file, mapping = data_file(), Path(sys.argv[2])
    with mapping.open(encoding="ascii") as lines:
        counterparts = counterparts_of(lines, icd9.canonical_icd9)
    _TABLE.write_text(table_of(counterparts, frequencies(file)), encoding="ascii")


if __name__ == "__main__":
    main()
