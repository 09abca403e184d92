"""What may be deleted: never what is in use, or was lately."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ml.promotion.ledger import Action, Entry
from ml.registry.deletion import StoredRun
from ml.retention.plan import Limits, old_runs, old_versions

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
KEEP = Limits(days=90, versions=2, decisions=2)


def entry(number: int, action: Action, version: str | None, incumbent: str | None, is_complete: bool = True) -> Entry:
    done = NOW if is_complete else None
    return Entry(number, NOW, action, version, incumbent, "a test", "none", "none", {}, done, None)


def created(*ages: int) -> dict[str, datetime]:
    """Versions 1, 2, … of these ages in days."""
    return {str(number): NOW - timedelta(days=age) for number, age in enumerate(ages, 1)}


def test_old_versions_are_deleted_but_the_newest_stay() -> None:
    assert old_versions(created(400, 300, 200, 100, 95), [], [], KEEP, NOW) == ["1", "2", "3"]


def test_young_versions_stay() -> None:
    assert old_versions(created(400, 30, 20, 10, 5), [], [], KEEP, NOW) == ["1"]


def test_the_target_of_a_rollback_stays_however_old() -> None:
    entries = [
        *(entry(number, Action.REFUSED, "9", "5") for number in (12, 11, 10)),
        entry(4, Action.PROMOTED, "5", "2"),
        entry(3, Action.PROMOTED, "2", "1"),
    ]
    ages = created(*range(900, 800, -10))
    assert old_versions(ages, [], entries, KEEP, NOW) == ["1", "3", "4", "6", "7", "8"]


actions = st.sampled_from(list(Action))
numbers = st.one_of(st.none(), st.integers(1, 12).map(str))


@given(
    ages=st.lists(st.integers(0, 1_000), min_size=1, max_size=12),
    decisions=st.lists(st.tuples(actions, numbers, numbers, st.booleans()), max_size=25),
    aliased=st.sets(st.integers(1, 12).map(str), max_size=2),
    limits=st.builds(Limits, st.integers(1, 400), st.integers(1, 5), st.integers(1, 8)),
)
def test_nothing_that_is_in_use_is_ever_deleted(
    ages: list[int],
    decisions: list[tuple[Action, str | None, str | None, bool]],
    aliased: set[str],
    limits: Limits,
) -> None:
    entries = [entry(number, *one) for number, one in enumerate(decisions)][::-1]
    versions = created(*ages)
    deleted = set(old_versions(versions, aliased, entries, limits, NOW))

    assert deleted <= versions.keys()
    assert not deleted & aliased
    assert not deleted & set(sorted(versions, key=int)[-limits.versions :])
    assert all(versions[number] < limits.cutoff(NOW) for number in deleted)
    assert not deleted & {name for one in entries[: limits.decisions] for name in (one.version, one.incumbent)}
    moves = [e for e in entries if e.completed_at and e.action in ("promoted", "rolled_back", "alias_moved_by_hand")]
    if moves:
        assert moves[0].version not in deleted
        before = [
            e.incumbent for e in moves if e.action == "promoted" and e.version == moves[0].version and e.incumbent
        ]
        assert not before or before[0] not in deleted


def test_runs_of_versions_that_stay_running_ones_and_the_newest_of_each_experiment_stay() -> None:
    def run(name: str, age: int, experiment: str = "models", is_ended: bool = True) -> StoredRun:
        return StoredRun(name, experiment, NOW - timedelta(days=age), is_ended)

    runs = [
        *(run(f"m{age}", age) for age in (500, 400, 300, 200, 100)),
        *(run(f"d{age}", age, "monitoring") for age in (350, 250)),
        run("hanging", 600, is_ended=False),
    ]
    assert [one.id for one in old_runs(runs, {"m400"}, KEEP, NOW)] == ["m500", "m300"]
