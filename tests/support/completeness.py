"""What a bundle says of answers to records that tell little, made up for tests of everything else."""

from typing import Any

from ml.core.reliability import UNITS

COMPLETENESS: dict[str, Any] = {
    "weights": dict.fromkeys(UNITS, 1 / len(UNITS)),
    "information": [0.0, 1.0],
    "auroc": [[0.5, 0.67], [0.6, 0.69]],
    "risk_edges": [0.1, 0.2],
    "low": [[[-1.0, -1.0, -1.0], [0.0, 0.0, 0.0]]] * 2,
    "high": [[[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]] * 2,
    "coverage": 0.9,
}
