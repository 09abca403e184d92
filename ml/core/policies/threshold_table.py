"""Numbers of test encounters by risk, outcome and subgroup, with bootstrap replicates: the source of all figures.

The table is counted when a model is trained, and stored in its run. It holds no encounters: risks are rounded down to
steps of :data:`STEPS` per unit, and each step has the number of encounters with either outcome.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.core.errors import BundleError

FILE: Final = "thresholds.npz"
STEPS: Final = 1_000
"""Thresholds are multiples of 1/1000."""
MAX_BYTES: Final = 512 * 2**20
"""Of an unpacked table: a file of a few kilobytes can unpack to gigabytes."""
_EDGES: Final = (np.arange(STEPS) / STEPS).astype(np.float32)

Counts = NDArray[np.uint32] | NDArray[np.uint16]


class Group(NamedTuple):
    """A subgroup: column and value of the data set; both are empty for all encounters."""

    column: str
    value: str


ALL: Final = Group("", "")


@dataclass(frozen=True, slots=True)
class ThresholdTable:
    """Numbers of encounters.

    Attributes:
        groups: all encounters, then the subgroups.
        counts: shape ``(groups, outcomes, 1 + replicates, steps)``; outcome 1 is a readmission, replicate 0 the test
            patients as they are.
        reference: the same by the risks of the LACE proxy, of all encounters; without the first axis.
        encounters_per_week: of the data set; None if it has no known period.
    """

    groups: tuple[Group, ...]
    counts: Counts
    reference: Counts
    encounters_per_week: float | None

    def to_bytes(self) -> bytes:
        """The file of the table."""
        about = {"groups": self.groups, "encounters_per_week": self.encounters_per_week}
        sink = io.BytesIO()
        np.savez_compressed(
            sink,
            about=np.frombuffer(json.dumps(about).encode(), np.uint8),
            counts=self.counts,
            reference=self.reference,
        )
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "ThresholdTable":
        """Read the file of a table.

        Raises:
            BundleError: it is not one.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                    raise BundleError(f"{FILE} unpacks to more than {MAX_BYTES} bytes.")
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                about: dict[str, Any] = json.loads(arrays["about"].tobytes())
                counts, reference = arrays["counts"], arrays["reference"]
            groups = tuple(Group(str(column), str(value)) for column, value in about["groups"])
            per_week = about["encounters_per_week"]
            if not _is_valid(groups, counts, reference) or not (per_week is None or 0 < float(per_week) < np.inf):
                raise ValueError("its parts do not fit together")
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise BundleError(f"{FILE} cannot be read: {error}.") from error
        return cls(groups, counts, reference, None if per_week is None else float(per_week))


def steps_of(risks: NDArray[Any]) -> NDArray[np.intp]:
    """The highest step that each risk is at or above; compared as float32, as the service compares them."""
    return np.searchsorted(_EDGES, risks.astype(np.float32), side="right") - 1


def _is_valid(groups: Sequence[Group], counts: Counts, reference: Counts) -> bool:
    return (
        counts.ndim == 4
        and counts.dtype.kind == reference.dtype.kind == "u"
        and counts.shape[:2] == (len(groups), 2)
        and counts.shape[2] > 1
        and 0 < counts.shape[3] <= STEPS
        and groups[0] == ALL
        and reference.ndim == 3
        and reference.shape[:2] == counts.shape[1:3]
    )
