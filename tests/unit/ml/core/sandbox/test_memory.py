"""The memory that is left: of the machine, and of each control group, version 1 or 2."""

from pathlib import Path

import pytest

from ml.core.sandbox.memory import available_bytes

GIBI = 1024**3


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 33554432 kB\nMemAvailable: 8388608 kB\n")
    return tmp_path


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def test_without_a_container_it_is_what_the_machine_has_left(root: Path) -> None:
    assert available_bytes(root) == 8 * GIBI


def test_in_a_container_it_is_the_limit_minus_what_is_in_use_without_the_page_cache(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("0::/\n")
    usage = {"memory__current": "600", "memory__stat": "anon 350\ninactive_file 200\n"}
    group(root / "sys/fs/cgroup", memory__max="768", **usage)

    assert available_bytes(root) == 768 - 600 + 200


def test_the_narrowest_of_the_groups_counts_and_one_without_a_limit_does_not(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("0::/outer/inner\n")
    usage = {"memory__current": "100", "memory__stat": "inactive_file 0\n"}
    group(root / "sys/fs/cgroup/outer/inner", memory__max="max", **usage)
    group(root / "sys/fs/cgroup/outer", memory__max="1000", **usage)

    assert available_bytes(root) == 900


def test_version_1_is_read_too_where_the_path_is_that_of_the_host(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("9:name=systemd:/\n4:memory:/docker/0123\n0::/\n")
    usage = {"memory__usage_in_bytes": "300", "memory__stat": "total_inactive_file 50\n"}
    group(root / "sys/fs/cgroup/memory", memory__limit_in_bytes="1000", **usage)

    assert available_bytes(root) == 750


def test_a_group_above_its_limit_has_nothing_left(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("0::/\n")
    group(root / "sys/fs/cgroup", memory__max="100", memory__current="200", memory__stat="inactive_file 0\n")

    assert available_bytes(root) == 0
