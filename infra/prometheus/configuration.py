"""Prometheus's configuration files, with the addresses of a stack outside Docker Compose."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parent
UI_URL = "http://localhost:8501"
"""The user interface in the links to runbooks, as the rules' files have it."""


def job_names() -> list[str]:
    """Names of the scrape jobs; each has a target file of the same name."""
    return sorted(file.stem for file in (SOURCE / "targets").glob("*.yml"))


def render(targets: Mapping[str, str], ui_url: str = UI_URL) -> dict[str, str]:
    """Texts of the configuration, of the rules and of one target file per job, by their path.

    Args:
        targets: job name to ``host:port``. A job that is left out is not scraped, so no alert reports it as down.
        ui_url: address of the user interface, for the links to runbooks.

    Raises:
        ValueError: when ``prometheus.yml`` has no such job.
    """
    if unknown := sorted(set(targets) - set(job_names())):
        raise ValueError(f"prometheus.yml has no job {', '.join(unknown)}; it has {', '.join(job_names())}.")
    files = {"prometheus.yml": (SOURCE / "prometheus.yml").read_text()}
    for rules in sorted((SOURCE / "rules").glob("*.yml")):
        files[f"rules/{rules.name}"] = rules.read_text().replace(UI_URL, ui_url.rstrip("/"))
    for job, address in targets.items():
        files[f"targets/{job}.yml"] = json.dumps([{"targets": [address]}]) + "\n"
    return files


def write(folder: Path, targets: Mapping[str, str], ui_url: str = UI_URL) -> Path:
    """Write the files of :func:`render` in place of earlier ones; returns the file for ``prometheus --config.file``."""
    files = render(targets, ui_url)
    for part in ("rules", "targets"):
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder / "prometheus.yml"
