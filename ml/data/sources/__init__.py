"""Where the encounters come from: UCI, a file of theirs, or a synthetic cohort.

Every source ends as one file in the delivered form (50 columns of text), so that all that follows is the same.
"""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from ml.core.errors import DataSourceError
from ml.core.settings import MlSettings
from ml.data.sources import file, synthetic, uci

log = logging.getLogger(__name__)

Kind = Literal["uci", "file", "synthetic"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivered file.

    ``path`` is a csv, or a zip that holds ``diabetic_data.csv``.
    """

    kind: Kind
    path: Path

    @property
    def provenance(self) -> Literal["real", "synthetic"]:
        """What a model trained on it may claim."""
        return "synthetic" if self.kind == "synthetic" else "real"

    def to_json(self) -> dict[str, Any]:
        """As plain values, for XCom."""
        return {**asdict(self), "path": str(self.path)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls(kind=fields["kind"], path=Path(fields["path"]))


def fetch(settings: MlSettings) -> Delivery:
    """Bring the data of ``DATA_SOURCE`` onto this machine and check that it is what it should be.

    ``auto`` takes ``DATA_FILE`` where it is given, else UCI, else a synthetic cohort with a loud warning.

    Raises:
        DataSourceError: the source that was asked for cannot be had, or is not the data set.
    """
    match settings.data_source:
        case "uci":
            return Delivery("uci", uci.fetch(settings))
        case "file":
            return Delivery("file", file.locate(settings.data_file))
        case "synthetic":
            return _synthetic(settings)
        case "auto":
            return _first_available(settings)


def _first_available(settings: MlSettings) -> Delivery:
    if settings.data_file is not None:
        return Delivery("file", file.locate(settings.data_file))
    try:
        return Delivery("uci", uci.fetch(settings))
    except DataSourceError as error:
        log.warning("%s", error)
        log.warning(
            "SYNTHETIC DATA: falling back to the built-in cohort. Models trained on it say nothing of patients."
        )
        return _synthetic(settings)


def _synthetic(settings: MlSettings) -> Delivery:
    rows, seed = settings.synthetic_rows, settings.synthetic_seed
    path = settings.data_dir / f"synthetic-{rows}-{seed}.csv"
    if not path.exists():
        log.info("Generating %s synthetic encounters (seed %s)", f"{rows:,}", seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        synthetic.write_csv(path, rows, seed)
    return Delivery("synthetic", path)
