"""The instance's control group, under which kubelet puts its pods; versions 1 and 2 of the kernel's interface."""

import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuset", "memory", "pids", "io", "hugetlb")


def is_version_2(root: Path = ROOT) -> bool:
    return (root / "cgroup.controllers").exists()


def create(name: str, root: Path = ROOT) -> None:
    for hierarchy in _hierarchies(root):
        (hierarchy / name).mkdir(exist_ok=True)
        if not is_version_2(root) and (hierarchy / "cpuset.cpus").exists():
            _inherit_cpuset(hierarchy, hierarchy / name)
    if is_version_2(root):
        _delegate(root)
        _delegate(root / name)


def remove(name: str, root: Path = ROOT) -> None:
    """Remove it with everything below. Its processes have been ended; the kernel may need a moment to notice."""
    deadline = time.monotonic() + 10
    for hierarchy in _hierarchies(root):
        for directory, _, _ in os.walk(hierarchy / name, topdown=False):
            _rmdir(Path(directory), deadline)


def left(name: str, root: Path = ROOT) -> list[Path]:
    return [hierarchy / name for hierarchy in _hierarchies(root) if (hierarchy / name).exists()]


def _hierarchies(root: Path) -> list[Path]:
    if is_version_2(root):
        return [root]
    # Version 1: one directory per controller; several names may be links to one.
    return sorted({entry.resolve() for entry in root.iterdir() if (entry / "cgroup.procs").exists()})


def _inherit_cpuset(parent: Path, child: Path) -> None:
    """A new cpuset of version 1 is empty and takes no process."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if not (child / file).read_text().strip():
            (child / file).write_text((parent / file).read_text())


def _delegate(group: Path) -> None:
    """Let children use the controllers that there are. In a container the root has processes of its own: move them."""
    available = set((group / "cgroup.controllers").read_text().split())
    wanted = " ".join(f"+{name}" for name in CONTROLLERS if name in available)
    try:
        (group / "cgroup.subtree_control").write_text(wanted)
    except OSError:
        leaf = group / "init"
        leaf.mkdir(exist_ok=True)
        for pid in (group / "cgroup.procs").read_text().split():
            _move(pid, leaf)
        (group / "cgroup.subtree_control").write_text(wanted)


def _move(pid: str, leaf: Path) -> None:
    try:
        (leaf / "cgroup.procs").write_text(pid)
    except OSError:
        return  # it has ended, or it is a thread of the kernel: neither keeps the controllers from being delegated


def _rmdir(directory: Path, deadline: float) -> None:
    while True:
        try:
            directory.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
