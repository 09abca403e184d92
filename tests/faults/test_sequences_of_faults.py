"""Random faults at random moments of random work; a seed decides all of it, and the same things are true after each.

``FAULT_SEED`` chooses other sequences, ``FAULT_SEQUENCES`` their number. A failure names both: the same seed with the
number plus one repeats it.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from tests.faults.commands import DONE, KILLED, OF_A_RUN, REFUSED
from tests.faults.invariants import Invariants, check_data
from tests.faults.platform import API, COMMAND, EVERYTHING, FAULTS, HANGING, Platform
from tests.integration.api.conftest import eventually

SEED: Final = int(os.environ.get("FAULT_SEED", "3"))
SEQUENCES: Final = int(os.environ.get("FAULT_SEQUENCES", "20"))

MOMENTS: Final = {"ingest": 36, "train": 430, "promote": 90, "rollback": 100, OF_A_RUN: 100, "traffic": 0}
"""Calls of PostgreSQL and MLflow in a command; one that has fewer is met by the fault after its end."""
SHARES: Final = {"ingest": 0.15, "train": 0.1, "promote": 0.2, "rollback": 0.2, OF_A_RUN: 0.2, "traffic": 0.15}
FAULT_SHARES: Final = {COMMAND: 0.3, "api": 0.12, "mlflow": 0.1, "postgres": 0.2, EVERYTHING: 0.08}
"""Those of a server that hangs have the rest."""


@dataclass(frozen=True)
class Sequence:
    """A piece of work, and the fault that meets it."""

    number: int
    work: str
    fault: str
    moment: int
    waits: bool
    """Whether the work stands still while the fault happens."""
    late: bool
    """Whether the work ends before what was killed is started again."""
    choice: float
    """Of the options of the work."""

    @classmethod
    def draw(cls, number: int) -> "Sequence":
        """The sequence of this number."""
        random = np.random.default_rng([SEED, number])
        work = str(random.choice(list(SHARES), p=list(SHARES.values())))
        rest = (1 - sum(FAULT_SHARES.values())) / 2
        fault = str(random.choice(FAULTS, p=[FAULT_SHARES.get(each, rest) for each in FAULTS]))
        moment = 1 + int(random.random() * MOMENTS[work])
        if work == "traffic" and fault == COMMAND:
            fault = API
        return cls(number, work, fault, moment, random.random() < 0.5, random.random() < 0.5, random.random())

    def __str__(self) -> str:
        return f"{self.number}-{self.work}-{self.fault}-{self.moment}"

    @property
    def name(self) -> str:
        """In the ledger."""
        return f"sequence {self.number}"

    def arguments(self, approved: list[str]) -> list[str]:
        """Of the command; `approved` are the versions that a rollback may go to."""
        if self.work == "train":
            return ["train", "--gate" if self.choice < 0.5 else "--no-gate"]
        if self.work == OF_A_RUN:
            return [OF_A_RUN, self.name]
        if self.work == "rollback" and approved and self.choice < 0.7:
            return ["rollback", "--by", self.name, "--to", approved[int(self.choice / 0.7 * len(approved))]]
        return [self.work, "--by", self.name] if self.work in ("promote", "rollback") else [self.work]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform with two versions that the gate has promoted."""
    # Not below pytest's own temporary root: see the fixture postgres_server.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        platform = Platform(tmp_path_factory.mktemp("platform"), Path(folder))
        try:
            while len(approved(platform)) < 2:
                platform.correct_data()
                assert run(platform, ["ingest"]) == DONE
                assert run(platform, ["train"]) == DONE
            platform.start_api()
            yield platform
        finally:
            platform.end()


@pytest.fixture(scope="module")
def invariants(platform: Platform) -> Invariants:
    return Invariants(platform)


def approved(platform: Platform) -> list[str]:
    """The versions that were ever promoted."""
    query = "SELECT DISTINCT version FROM gate_decisions WHERE action = 'promoted' AND completed_at IS NOT NULL"
    return sorted(platform.database.column(query), key=int)


def run(platform: Platform, arguments: list[str]) -> int:
    """A command without a fault; its exit status."""
    return platform.command(arguments).end()


@pytest.mark.parametrize("sequence", [Sequence.draw(number) for number in range(SEQUENCES)], ids=str)
def test_after_a_fault_nothing_is_lost_and_nothing_is_done_twice(
    platform: Platform, invariants: Invariants, sequence: Sequence
) -> None:
    printed = platform.log.stat().st_size
    try:
        with platform.traffic(f"sequence-{sequence.number}") as traffic:
            eventually(lambda: len(traffic.acknowledged) > 0)
            invariants.check_counters()
            if sequence.work == "train":  # else it would find the version that has these data
                platform.correct_data()
                assert run(platform, ["ingest"]) == DONE
            if sequence.work == "ingest":
                platform.correct_data()
            refused = len(traffic.refused)
            carry_out(platform, sequence, lambda: len(traffic.refused) > refused)
            answered, acknowledged = len(traffic.answers), len(traffic.acknowledged)
            eventually(lambda: len(traffic.answers) > answered and len(traffic.acknowledged) > acknowledged)
        if sequence.fault not in (API, EVERYTHING):
            assert traffic.failures == []
        invariants.check(traffic)
        if sequence.work == "ingest":
            check_data(platform)
    except BaseException as error:
        error.add_note(f"FAULT_SEED={SEED} FAULT_SEQUENCES={sequence.number + 1}: {sequence}")
        error.add_note(platform.log.read_bytes()[printed:].decode()[-3000:])
        raise


def carry_out(platform: Platform, sequence: Sequence, noticed: Callable[[], bool]) -> None:
    """Do the work, with the fault, and do it again if it was interrupted."""
    if sequence.work == "traffic":
        platform.strike(sequence.fault, None)
        platform.mend(sequence.fault, noticed)
        return
    arguments = sequence.arguments(approved(platform))
    command = platform.command(arguments, sequence.moment, sequence.waits)
    command.reached()
    platform.strike(sequence.fault, command)
    late = sequence.late and sequence.fault not in HANGING
    if not late and sequence.fault not in HANGING:
        platform.mend(sequence.fault, noticed)
    if sequence.fault not in (COMMAND, EVERYTHING):
        command.go_on()
    if sequence.fault in HANGING:
        platform.mend(sequence.fault, noticed)
    status = command.end()
    if late:
        platform.mend(sequence.fault, noticed)
    assert status in (DONE, REFUSED, KILLED)
    if status == KILLED and sequence.work == "rollback" and is_in_ledger(platform, sequence):
        return
    if status != DONE:
        again = run(platform, arguments)
        # A rollback is refused if there is nothing to go back to, or if its target is in production.
        assert again in ((DONE, REFUSED) if "roll" in sequence.work else (DONE,))


def is_in_ledger(platform: Platform, sequence: Sequence) -> bool:
    """Whether a rollback was completed before it was killed: a person looks there before asking for another one."""
    decided = platform.database.column("SELECT actor FROM gate_decisions WHERE completed_at IS NOT NULL")
    return sequence.name in decided
