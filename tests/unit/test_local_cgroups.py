"""The instance's control group on both versions of the kernel's interface (directories that look like it)."""

from pathlib import Path

import pytest

from deploy.local import cgroups


@pytest.fixture
def second(tmp_path: Path) -> Path:
    for directory in (tmp_path, tmp_path / "one"):
        directory.mkdir(exist_ok=True)
        (directory / "cgroup.controllers").write_text("cpuset cpu io memory pids misc")
        (directory / "cgroup.subtree_control").write_text("")
        (directory / "cgroup.procs").write_text("")
    return tmp_path


@pytest.fixture
def first(tmp_path: Path) -> Path:
    for controller in ("memory", "cpu,cpuacct", "cpuset"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").write_text("")
    (tmp_path / "cpu").symlink_to("cpu,cpuacct")
    for directory, content in ((tmp_path / "cpuset", "0-1\n"), (tmp_path / "cpuset" / "one", "\n")):
        directory.mkdir(exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):
            (directory / file).write_text(content)
    return tmp_path


def test_version_2_hands_the_controllers_down_twice(second: Path):
    assert cgroups.is_version_2(second)
    cgroups.create("one", second)
    for directory in (second, second / "one"):
        assert (directory / "cgroup.subtree_control").read_text() == "+cpu +cpuset +memory +pids +io"


def test_version_1_has_one_group_in_each_hierarchy_and_processors_to_use(first: Path):
    assert not cgroups.is_version_2(first)
    cgroups.create("one", first)
    assert {path.parent.name for path in cgroups.left("one", first)} == {"memory", "cpu,cpuacct", "cpuset"}
    assert (first / "cpuset" / "one" / "cpuset.cpus").read_text() == "0-1\n"


def test_removing_takes_everything_below_and_may_be_repeated(first: Path):
    cgroups.create("one", first)
    for file in (first / "cpuset" / "one").iterdir():
        file.unlink()  # the kernel's own files go with their directory
    (first / "memory" / "one" / "kubepods" / "pod").mkdir(parents=True)
    cgroups.remove("one", first)
    cgroups.remove("one", first)
    assert cgroups.left("one", first) == []
