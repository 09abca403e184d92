"""Hostile bundles are refused: by the checks, in the sandbox, by the service, and by everything of `ml` that runs them.

`docs/testing.md` says what each attack of `hostile_bundles` did before these checks.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from ml.core.bundle import load_bundle
from ml.core.bundle.trial import try_bundle
from ml.core.errors import BundleError
from ml.core.sandbox.process import Sandbox, sandboxed
from tests.integration.api.bundles import RECORDS, expected, write_bundle
from tests.security.hostile_bundles import (
    ATTACKS,
    Attack,
    loop_for_one_value,
    memory_by_the_square_of_the_rows,
)

IN_THIS_PROCESS = [attack for attack in ATTACKS if attack is not memory_by_the_square_of_the_rows]


@pytest.mark.parametrize("attack", IN_THIS_PROCESS, ids=lambda attack: attack.__name__)
def test_a_hostile_bundle_is_refused_with_the_reason(attack: Attack, tmp_path: Path) -> None:
    attack(write_bundle(tmp_path / "bundle"))

    with pytest.raises(BundleError) as refusal:
        try_bundle(load_bundle(tmp_path / "bundle"))

    assert re.search(ATTACKS[attack], str(refusal.value)), str(refusal.value)


def test_memory_that_grows_with_the_square_of_the_rows_is_refused_by_the_sandbox(tmp_path: Path) -> None:
    memory_by_the_square_of_the_rows(write_bundle(tmp_path / "bundle"))

    with (
        pytest.raises(BundleError, match=ATTACKS[memory_by_the_square_of_the_rows]),
        sandboxed(tmp_path / "bundle"),
    ):
        pass


def test_the_sandbox_answers_like_the_process_that_loads_the_bundle(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    with sandboxed(folder) as bundle:
        answers = bundle.predict(RECORDS * 100)  # more than one part

    assert answers == pytest.approx([expected(record, -2.0) for record in RECORDS] * 100)
    assert np.array_equal(answers, load_bundle(folder).predict(RECORDS * 100))


def test_the_process_of_the_sandbox_has_no_secret_no_network_and_a_limit_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIABETES_DB_PASSWORD", "not to be seen")
    sandbox = Sandbox(write_bundle(tmp_path / "bundle"))
    try:
        sandbox.check()
        process = Path(f"/proc/{sandbox.pid}")
        assert b"not to be seen" not in (process / "environ").read_bytes()
        assert "DATA_FILE" not in (process / "environ").read_text()
        limits = (process / "limits").read_text()
        assert "Max data size             unlimited" not in limits
        assert re.search(r"Max file size +0 ", limits)
        assert (process / "oom_score_adj").read_text().strip() == "1000"
        files = {path.readlink().as_posix().split(":")[0] for path in (process / "fd").iterdir()}
        assert "socket" not in files  # no connection of the parent, and none of its own
    finally:
        sandbox.end()


def test_a_graph_that_passes_every_check_and_then_hangs_ends_with_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the allow-list had a hole: the time limit holds."""
    loop_for_one_value(write_bundle(tmp_path / "bundle"))
    (tmp_path / "hole").mkdir()
    (tmp_path / "hole" / "sitecustomize.py").write_text(
        "import ml.core.bundle.model as model\nmodel.check_graph = lambda content: None\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "hole"))

    with pytest.raises(BundleError, match="takes longer than 8 seconds"), sandboxed(tmp_path / "bundle", seconds=8):
        pass
