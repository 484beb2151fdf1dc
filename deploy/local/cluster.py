"""Up, down, and what is in between. `up` may be repeated at any time: it repairs what is not as it should be."""

import hashlib
import subprocess
import time
from pathlib import Path

from deploy.local import (
    api,
    build,
    cgroups,
    components,
    config,
    instance,
    layers,
    loading,
    metrics,
    namespace,
    pki,
    process,
    registration,
    toolchain,
)
from deploy.local.components import Component
from deploy.local.health import failures, wait_healthy
from deploy.local.instance import Instance
from deploy.local.progress import step

SEARCH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
LOG_LIMIT = 50 * 1024 * 1024  # bytes; a component's log larger than this is put aside when it starts


def up(name: str, **options: object) -> Instance:
    """Bring the instance up, building what is missing. Returns it healthy, or raises with the reason."""
    toolchain.install_packages()
    with instance.locked(name):
        this = instance.load_or_create(name)
        for option, value in options.items():
            if value is not None:
                setattr(this.options, option, value)
        this.save()
        programs = build.ensure(_parts(this))
        if this.options.node:
            layers.ensure()
        with step(f"Starting the local cluster {name!r} at {this.server}"):
            _bring_up(this, programs)
    return this


def _bring_up(this: Instance, programs: dict[str, Path]) -> None:
    for directory in (this.logs, this.records, this.directory / "registries"):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_config(this, programs)
    pki.ensure(this)
    cgroups.create(this.cgroup)
    holder = namespace.holder_pid(this)
    if holder is None:
        # A holder that was killed takes a moment to take everything with it.
        for record in this.records.glob("*.json"):
            process.end(record, grace=0)
        namespace.disconnect(this)
        holder = namespace.create(this)
    namespace.connect(this, holder)
    wanted = components.components(this, programs)
    early = [component for component in wanted if component.early]
    for component in early:
        _ensure_running(this, holder, component)
    wait_healthy(this, holder, early, seconds=180)
    for component in wanted:
        _ensure_running(this, holder, component)
    wait_healthy(this, holder, wanted, seconds=120)
    if this.options.node:
        loading.ensure_images(holder, _snapshotter(this.directory))
        wait_node_ready(this, seconds=180)
    if this.measured:
        registration.ensure_metrics(this, seconds=120)
    else:
        registration.remove_metrics(this)
        process.end(this.records / f"{metrics.NAME}.json", grace=10)


def down(name: str, *, purge: bool = False) -> None:
    """End everything of the instance. Its data stays unless `purge`; a later `up` is like a machine's restart."""
    with instance.locked(name):
        this = instance.load(name)
        if this is None:
            return
        _end_gently(this)
        process.end(namespace.holder_record(this), grace=0)  # and with it everything inside
        namespace.disconnect(this)
        cgroups.remove(this.cgroup)
        for record in this.records.glob("*.json"):
            record.unlink()
        if not any(namespace.holder_pid(other) for other in instance.all_instances()):
            namespace.tidy()
        if purge:
            instance.forget(this)


def start(name: str, component_name: str) -> None:
    """Start one component and wait until it is healthy."""
    with instance.locked(name):
        this, holder = _running(name)
        component = _component(this, component_name)
        _ensure_running(this, holder, component)
        wait_healthy(this, holder, [component], seconds=90)


def stop(name: str, component_name: str) -> None:
    """End one component; it stays down until `start` or `up`."""
    with instance.locked(name):
        this, _ = _running(name)
        component = _component(this, component_name)
        process.end(_record(this, component), grace=component.grace)


def ensure_image(name: str, which: str) -> str:
    """Make and load one of the images that are only there on request; returns its reference."""
    image = layers.ON_REQUEST.get(which)
    if image is None:
        raise ValueError(f"There is no image {which!r} to ask for; there are: {', '.join(layers.ON_REQUEST)}.")
    layers.ensure((image,))
    with instance.locked(name):
        this, holder = _running(name)
        loading.ensure_images(holder, _snapshotter(this.directory), (image,))
    return image.reference


def load(name: str, archive: Path) -> list[str]:
    """Load a docker-archive into the instance and pin its images; returns their names."""
    with instance.locked(name):
        this, holder = _running(name)
        return loading.load(holder, _snapshotter(this.directory), archive)


def status(name: str) -> tuple[list[str], bool]:
    """Lines to read, and whether all is well."""
    this = instance.load(name)
    holder = namespace.holder_pid(this) if this else None
    if this is None or holder is None:
        return [f"The local cluster {name!r} is down."], False
    wanted = components.components(this, build.directories())
    failed = failures(holder, wanted)
    lines = [f"The local cluster {name!r}: {this.server}, network {this.addresses.network}, in {this.directory}"]
    for component in wanted:
        record = process.recall(_record(this, component))
        state = "down" if record is None else failed.get(component.name, "running")
        lines.append(f"  {component.name:24} {f'pid {record.pid}' if record else '':12} {component.probe:44} {state}")
    versions = ", ".join(f"{part} {build.versions.version_of(part)}" for part in build.versions.MAIN_MODULE)
    return [*lines, f"  {versions}"], not failed


def wait_node_ready(this: Instance, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        said = _node_condition(this)
        if said == "":
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"The node {this.node_name} did not become ready: {said} (log: {this.logs}/kubelet.log)")
        time.sleep(0.2)


def _node_condition(this: Instance) -> str:
    """Empty when the node is ready, else why not."""
    try:
        node = api.call(this, "GET", f"/api/v1/nodes/{this.node_name}")
    except api.ApiError as problem:
        return str(problem)
    ready = [entry for entry in node["status"].get("conditions", []) if entry["type"] == "Ready"]
    if not ready:
        return "it has not said anything yet"
    return "" if ready[0]["status"] == "True" else ready[0]["message"]


def _ensure_running(this: Instance, holder: int, component: Component) -> None:
    record = _record(this, component)
    running = process.recall(record)
    made_of = [*component.argv, _digest(this, component)]
    if running is not None and running.argv == made_of:
        return
    process.end(record, grace=component.grace)
    log = this.logs / f"{component.name}.log"
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.old"))
    search = [*map(str, component.search), *SEARCH]
    environment = {"PATH": ":".join(search), "HOME": str(this.directory), "LANG": "C.UTF-8"}
    pid = namespace.start(holder, component.argv, log, environment)
    process.remember(record, pid, made_of)


def _digest(this: Instance, component: Component) -> str:
    """Of the configuration that it reads: another one means a restart."""
    content = b"".join((this.directory / "config" / name).read_bytes() for name in component.reads)
    return hashlib.sha256(content).hexdigest()


def _end_gently(this: Instance) -> None:
    """The store last, so that everything is written down before the rest is killed."""
    wanted = {component.name: component for component in components.components(this, build.directories())}
    for name, grace in (("kubelet", 10), ("kube-apiserver", 0), ("etcd", 10)):
        if name in wanted:
            process.end(_record(this, wanted[name]), grace=grace)


def _write_config(this: Instance, programs: dict[str, Path]) -> None:
    """What stays as it is is not touched: kube-proxy ends as soon as its file is written to, whatever was written."""
    where = this.directory / "config"
    made = config.files(this, snapshotter=_snapshotter(this.directory), cni_binaries=programs["cni"])
    for name, content in made.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        if not (where / name).exists() or (where / name).read_text() != content:
            (where / name).write_text(content)


def _parts(this: Instance) -> tuple[str, ...]:
    """What has to be built for it."""
    return build.versions.PARTS if this.options.node else build.versions.CONTROL_PLANE


def _snapshotter(directory: Path) -> str:
    """Overlays do not stack: on a machine that is a container itself, layers are copied instead."""
    kind = subprocess.run(
        ["stat", "--file-system", "--format=%T", str(directory)], capture_output=True, text=True, check=True
    ).stdout.strip()
    return "native" if kind == "overlayfs" else "overlayfs"


def _running(name: str) -> tuple[Instance, int]:
    this = instance.load(name)
    holder = namespace.holder_pid(this) if this else None
    if this is None or holder is None:
        raise RuntimeError(f"The local cluster {name!r} is down: run `up` first.")
    return this, holder


def _component(this: Instance, name: str) -> Component:
    known = {component.name: component for component in components.components(this, build.directories())}
    if name not in known:
        raise RuntimeError(f"There is no component {name!r}; there are {', '.join(known)}.")
    return known[name]


def _record(this: Instance, component: Component) -> Path:
    return this.records / f"{component.name}.json"
