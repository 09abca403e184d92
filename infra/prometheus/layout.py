"""Lays the Prometheus configuration out in a folder, with the addresses of a stack that is not Compose's."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parent


def job_names() -> tuple[str, ...]:
    """The jobs of ``prometheus.yml``: each has a target file of its name."""
    return tuple(sorted(file.stem for file in (SOURCE / "targets").glob("*.yml")))


def lay_out(folder: Path, targets: Mapping[str, str]) -> Path:
    """Write configuration, rules and one target file per job into `folder`.

    Args:
        folder: created when absent; what an earlier call left is replaced.
        targets: job name to ``host:port``. A job that is left out has no target and so no "down" alert.

    Returns:
        The configuration file, for ``prometheus --config.file``.

    Raises:
        ValueError: when a job is not one of ``prometheus.yml``.
    """
    if unknown := sorted(set(targets) - set(job_names())):
        raise ValueError(f"prometheus.yml has no job {', '.join(unknown)}; it has {', '.join(job_names())}.")
    for part in ("rules", "targets"):
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).mkdir(parents=True)
    for job, address in targets.items():
        (folder / "targets" / f"{job}.yml").write_text(json.dumps([{"targets": [address]}]) + "\n")
    for rules in sorted((SOURCE / "rules").glob("*.yml")):
        shutil.copy(rules, folder / "rules")
    return Path(shutil.copy(SOURCE / "prometheus.yml", folder))
