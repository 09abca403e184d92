"""The rules over simulated time: promtool runs each scenario of ``promtool/``."""

import subprocess
from pathlib import Path

import pytest

from tests.support.programs import required
from tests.unit.infra.prometheus.prometheus_files import SCENARIOS


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.yml")), ids=lambda file: file.stem)
def test_a_scenario_of_promtool_passes(file: Path) -> None:
    program = required("promtool", package="prometheus")
    done = subprocess.run([program, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
