"""What the preflight needs to know of this machine, looked up within a second and changing nothing."""

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from deploy.local import build, instance, layers, paths, toolchain


@dataclass(frozen=True)
class Machine:
    system: str  # "Linux", "Darwin", …
    architecture: str  # "x86_64", "aarch64", "arm64", …
    root: bool
    python: tuple[int, int]
    taken_ports: tuple[int, ...]  # those of the asked for that something listens on
    free_disk: int  # bytes, where the cache is
    cache: str
    memory: int  # bytes in all
    to_build: tuple[str, ...]  # parts and image layers that are not in the cache
    slot: int | None  # the instance's, or the one that it would get; None: no address range is free
    foreign_routes: tuple[str, ...]  # other routes inside of the instance's network
    missing_packages: tuple[str, ...]
    apt: bool
    go: tuple[int, int] | None
    namespaces: bool  # whether mounts, networks and process ids can be set apart
    cgroups: bool


def look(name: str, ports: Sequence[int]) -> Machine:
    system = platform.system()
    linux = system == "Linux"
    root = linux and os.geteuid() == 0
    slot, foreign = _addresses(name) if linux and toolchain.which("ip") else (0, ())
    found = toolchain.which("go")
    return Machine(
        system=system,
        architecture=platform.machine(),
        root=root,
        python=(sys.version_info[0], sys.version_info[1]),
        taken_ports=tuple(port for port in ports if not _is_free(port)),
        free_disk=shutil.disk_usage(_existing(paths.cache_root())).free,
        cache=str(paths.cache_root()),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        to_build=(*build.missing(), *(f"{layer.name} image" for layer in layers.missing())) if linux else (),
        slot=slot,
        foreign_routes=foreign,
        missing_packages=tuple(toolchain.missing_packages()) if linux else (),
        apt=toolchain.which("apt-get") is not None,
        go=toolchain.go_version(Path(found)) if found and build.missing() else None,
        namespaces=root and _can_set_apart(),
        cgroups=any((Path("/sys/fs/cgroup") / file).exists() for file in ("cgroup.controllers", "memory")),
    )


def _addresses(name: str) -> tuple[int | None, tuple[str, ...]]:
    """The slot, and the routes of others inside its network."""
    routes = instance.machine_routes()
    known = instance.load(name)
    try:
        taken = [other.slot for other in instance.all_instances()]
        slot = known.slot if known else instance.slots.choose_slot(taken, routes)
    except LookupError:
        return None, ()
    addresses = instance.slots.Addresses(slot)
    # Its own routes are there while it runs.
    own = {addresses.network, IPv4Network(f"{addresses.host}/30", strict=False)}
    up = Path(f"/sys/class/net/{addresses.link}").exists()
    foreign = [route for route in routes if route.subnet_of(addresses.network) and not (up and route in own)]
    return slot, tuple(map(str, foreign))


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _can_set_apart() -> bool:
    done = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], capture_output=True, check=False)
    return done.returncode == 0
