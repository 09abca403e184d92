"""Marginal frequencies of every feature: how often each value occurs in the 101,766 encounters.

Source: counts of data set 296 (CC BY 4.0), in ``marginals.json``; "?" is unknown. Diagnoses have their 40 most
frequent codes, counts the values that occur at least 20 times.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ml.schema import BY_NAME


def _load() -> dict[str, Mapping[str | int, int]]:
    text = Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    return {
        name: {int(value) if BY_NAME[name].is_number else value: count for value, count in counts.items()}
        for name, counts in json.loads(text).items()
    }


MARGINALS: Final[Mapping[str, Mapping[str | int, int]]] = _load()
CONSTANT: Final = frozenset(name for name, counts in MARGINALS.items() if len(counts) == 1)
"""Features that never vary in the data: no model can use them."""
