"""What the service says of itself: metrics and /model."""

import re
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.api.process import ApiProcess


def metric(api: ApiProcess, name: str) -> float:
    """Sum of a metric over its labels; a name may carry the labels that count, as in ``a_total{reason="b"}``."""
    bare, _, labels = name.partition("{")
    pattern = rf"^{bare}(?:\{{[^}}]*{re.escape(labels.rstrip('}'))}[^}}]*\}})? (\S+)$"
    return sum(map(float, re.findall(pattern, api.client.get("/metrics").text, re.M)))


def served(api: ApiProcess) -> Any:
    """The version that answers."""
    return api.client.get("/model").json().get("version")


def refusal(api: ApiProcess) -> Any:
    """What /model says of a version that was refused."""
    return api.client.get("/model").json().get("refused")


def answer(api: ApiProcess) -> float:
    """The risk of a patient of whom nothing is known."""
    response = api.client.post("/predict", json={"records": [{}]})
    assert response.status_code == 200, response.text
    return float(response.json()["predictions"][0])


def near(probability: float) -> Any:
    """Equal for all that a client can see."""
    return pytest.approx(probability, abs=1e-6)


def peak_bytes(api: ApiProcess) -> int:
    """The most memory that the service has held so far."""
    status = Path(f"/proc/{api.process.pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def resident_bytes(api: ApiProcess) -> int:
    """The memory that the service and its helpers hold."""
    main = psutil.Process(api.process.pid)
    return sum(process.memory_info().rss for process in [main, *main.children(recursive=True)])


def trials(api: ApiProcess) -> list[psutil.Process]:
    """The processes in which it tries a version at this moment."""
    return [
        child for child in psutil.Process(api.process.pid).children() if "ml.core.sandbox.worker" in child.cmdline()
    ]
