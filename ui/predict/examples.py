"""Made-up example patients with values of the schema; they differ in the number of known fields.

``examples.json`` holds the records. The first example is that of the schema, with all fields known.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from ml.schema import EXAMPLE_RECORD
from ui.i18n.language import _


class Example(NamedTuple):
    """A made-up patient; ``key`` is the key of its button."""

    key: str
    record: Mapping[str, str | int]


FIRST: Final = Example("example", {name: value for name, value in EXAMPLE_RECORD.items() if value is not None})
FURTHER: Final = tuple(
    Example(key, record)
    for key, record in json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8")).items()
)


def title(example: Example) -> str:
    """Label of the button."""
    return {
        FIRST.key: _("Example patient"),
        "at-admission": _("Just admitted: little is known yet"),
        "planned": _("Short planned stay, no earlier stays"),
        "often-admitted": _("Heart failure, admitted five times in the prior year"),
    }[example.key]
