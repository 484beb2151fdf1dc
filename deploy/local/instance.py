"""One instance of the local cluster: its name, its slot, its options and its directory."""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from deploy.local import paths, slots


@dataclass
class Options:
    """What `up` can be told; kept, so that a later `up` repeats it."""

    node: bool = True  # False: only the control plane (and fake nodes)
    kwok: bool = False
    metrics: bool = False  # metrics-server: what pods and nodes use; only beside a real node
    log_max_size: str = "10Mi"  # kubelet's default: a container's log is rotated at this size
    log_max_files: int = 5


@dataclass
class Instance:
    name: str
    slot: int
    options: Options = field(default_factory=Options)

    @property
    def measured(self) -> bool:
        """Whether it has metrics-server."""
        return self.options.node and self.options.metrics

    @property
    def addresses(self) -> slots.Addresses:
        return slots.Addresses(self.slot)

    @property
    def directory(self) -> Path:
        return paths.instances_root() / self.name

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def records(self) -> Path:
        """One small file per running process."""
        return self.directory / "processes"

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        return self.directory / "audit.log"

    @property
    def node_name(self) -> str:
        return f"local-{self.name}"

    @property
    def cgroup(self) -> str:
        return f"taas-local-{self.name}"

    @property
    def server(self) -> str:
        return f"https://{self.addresses.node}:6443"

    def save(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self.directory / "instance.json"
        draft = target.with_suffix(".new")
        # What is as by default is left out, so that a checkout that does not know an option can still read the rest.
        options = {name: value for name, value in asdict(self.options).items() if value != getattr(Options, name)}
        draft.write_text(json.dumps(asdict(self) | {"options": options}, indent=1))
        draft.replace(target)


def load(name: str) -> Instance | None:
    """The instance as recorded, or None when there is none of this name."""
    file = paths.instances_root() / slots.check_name(name) / "instance.json"
    if not file.exists():
        return None
    return _read(file)


def load_or_create(name: str) -> Instance:
    found = load(name)
    if found is not None:
        return found
    with _locked(paths.instances_root() / ".slots.lock"):
        taken = [other.slot for other in all_instances()]
        created = Instance(name, slots.choose_slot(taken, machine_routes()))
        created.save()
    return created


def all_instances() -> list[Instance]:
    return [_read(file) for file in sorted(paths.instances_root().glob("*/instance.json"))]


def forget(instance: Instance) -> None:
    shutil.rmtree(instance.directory)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One `up`, `down`, … of an instance at a time; others wait."""
    with _locked(paths.instances_root() / f".{slots.check_name(name)}.lock"):
        yield


def machine_routes() -> list[IPv4Network]:
    """Every IPv4 destination that the machine has a route to, without the default route."""
    listed = subprocess.run(["ip", "-json", "-4", "route", "show", "table", "all"], capture_output=True, check=True)
    found = []
    for route in json.loads(listed.stdout or b"[]"):
        if route.get("type", "unicast") == "unicast" and route["dst"] != "default":
            found.append(IPv4Network(route["dst"], strict=False))
    return found


def _read(file: Path) -> Instance:
    kept = json.loads(file.read_text())
    return Instance(kept["name"], kept["slot"], Options(**kept["options"]))


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
