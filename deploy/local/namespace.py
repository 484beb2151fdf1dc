"""The instance's own network, mounts and process ids: one holder process keeps them.

Everything of an instance runs inside. When the holder ends, the kernel ends every process in there and takes
its mounts, bridges, routes and firewall rules with it: nothing can be left behind.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local import process
from deploy.local.instance import Instance

NEW_MOUNTS, NEW_PIDS, NEW_NETWORK = 0x00020000, 0x20000000, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

# Kubelet writes these settings of the whole machine; inside, files that look like them take the writes.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}

# Directories whose place is fixed in kubelet, containerd or their libraries: inside, they are the instance's own.
OWN_DIRECTORIES = ("/var/log", "/var/lib/kubelet", "/var/lib/cni")


def holder_record(instance: Instance) -> Path:
    return instance.records / "holder.json"


def holder_pid(instance: Instance) -> int | None:
    record = process.recall(holder_record(instance))
    if record is None or not Path(f"/proc/{record.pid}/ns/net").exists():
        return None  # none, or one that is just ending
    return record.pid


def create(instance: Instance) -> int:
    """Start the holder with its mounts in place; returns its process id."""
    title = f"taas-local-{instance.name}"
    pid = _fork_into(lambda: _check(_libc.unshare(NEW_MOUNTS | NEW_PIDS | NEW_NETWORK)), lambda: _hold(instance, title))
    process.remember(holder_record(instance), pid, [title])
    return pid


def start(holder: int, argv: list[str], log: Path, env: Mapping[str, str]) -> int:
    """Start a program inside; its output goes to the log. Returns its process id as the machine sees it."""

    def program() -> None:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
        os.dup2(1, 2)
        os.chdir("/")
        os.execve(argv[0], argv, dict(env))

    return _fork_into(lambda: _join(holder), program)


def run(holder: int, argv: list[str], *, stdin: int | None = None) -> str:
    """Run a program inside to its end and return what it printed; `CalledProcessError` with its words otherwise."""
    inside = ["nsenter", "--target", str(holder), "--mount", "--net", "--pid", "--", *argv]
    done = subprocess.run(inside, stdin=stdin or subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv[:4])} … failed ({done.returncode}): {(done.stderr or done.stdout).strip()}")
    return done.stdout


def connect(instance: Instance, holder: int) -> None:
    """The bridge for pods inside, and a link to the machine with one route. There is no way to anywhere else."""
    at = instance.addresses
    _script(
        f"""
        [ -e /sys/class/net/{at.link} ] || ip link add {at.link} type veth peer name machine netns {holder}
        [ ! -e /proc/sys/net/ipv6 ] || echo 1 > /proc/sys/net/ipv6/conf/{at.link}/disable_ipv6
        ip addr replace {at.host}/30 dev {at.link}
        ip link set {at.link} up
        """
    )
    run(
        holder,
        [
            "/bin/sh",
            "-euc",
            f"""
        [ ! -e /proc/sys/net/ipv6 ] || echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
        echo 1 > /proc/sys/net/ipv4/ip_forward
        ip link set lo up
        ip addr replace {at.gateway}/30 dev machine
        ip link set machine up
        ip link show pods >/dev/null 2>&1 || ip link add pods type bridge
        ip link set pods address 02:54:41:41:53:{at.slot:02x} up
        ip addr replace {at.node}/{at.pods.prefixlen} dev pods
        """,
        ],
    )
    _script(f"ip route replace {at.network} via {at.gateway} dev {at.link}")


def disconnect(instance: Instance) -> None:
    """Remove the link, and the route with it. When the holder has ended the kernel does the same, a little later."""
    link = instance.addresses.link
    _script(f"[ ! -e /sys/class/net/{link} ] || ip link delete {link} || [ ! -e /sys/class/net/{link} ]")


def tidy() -> None:
    """Remove the directories that were only made to mount something on them, if they are empty on the machine."""
    for place in OWN_DIRECTORIES:
        with contextlib.suppress(OSError):  # not empty: it is the machine's own
            Path(place).rmdir()


def _hold(instance: Instance, title: str) -> None:
    """Becomes process 1 inside. Ignoring SIGCHLD, which survives exec, lets the kernel reap every orphan."""
    settings = instance.directory / "kernel"
    for name, value in KERNEL_SETTINGS.items():
        (settings / name).parent.mkdir(parents=True, exist_ok=True)
        (settings / name).write_text(value)
    fakes = "\n".join(
        f"[ ! -e /proc/sys/{name} ] || mount --bind {settings}/{name} /proc/sys/{name}" for name in KERNEL_SETTINGS
    )
    for place in OWN_DIRECTORIES:
        Path(place).mkdir(parents=True, exist_ok=True)
        (instance.directory / "own" / place[1:]).mkdir(parents=True, exist_ok=True)
    own = "\n".join(f"mount --bind {instance.directory}/own{place} {place}" for place in OWN_DIRECTORIES)
    # The machine's mounts come in, none goes out.
    _script(
        f"""
        mount --make-rslave /
        mount --make-rshared /
        mount -t proc proc /proc
        mount -t tmpfs -o mode=755 tmpfs /run
        mkdir -p /run/lock /run/netns
        {own}
        {fakes}
        """
    )
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.chdir("/")
    os.execvp("sleep", [title, "infinity"])


def _join(holder: int) -> None:
    handles = [(os.open(f"/proc/{holder}/ns/{kind}", os.O_RDONLY), kind) for kind in ("net", "pid", "mnt")]
    for handle, _ in handles:
        _check(_libc.setns(handle, 0))
        os.close(handle)


def _fork_into(enter: Callable[[], None], become: Callable[[], None]) -> int:
    """Fork twice: the first child enters, the second is a process of the namespaces. Returns the second's id."""
    reader, writer = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(reader)
        _child(writer, lambda: _second(writer, enter, become))
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()  # ends when the second has become its program: the pipe closes on exec
    os.waitpid(first, 0)
    pid, _, failure = said.partition("\n")
    if failure or not pid.isdigit():
        raise RuntimeError(f"A process could not be started inside the instance: {failure or pid}")
    return int(pid)


def _second(writer: int, enter: Callable[[], None], become: Callable[[], None]) -> None:
    enter()
    second = os.fork()
    if second == 0:
        os.setsid()
        for standard in (0, 1, 2):  # whoever reads what `up` prints must not wait for the instance's end
            os.dup2(os.open("/dev/null", os.O_RDWR), standard)
        _child(writer, become)
    os.write(writer, f"{second}\n".encode())
    os._exit(0)


def _child(writer: int, act: Callable[[], None]) -> None:
    """Run in a forked child, never return from it; a failure's text goes through the pipe."""
    try:
        act()
    except BaseException as failure:
        os.write(writer, f"\n{failure}".encode())
    finally:
        os._exit(1)


def _script(text: str) -> None:
    done = subprocess.run(["/bin/sh", "-euc", text], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{done.stderr.strip() or done.stdout.strip()} (in: {text.strip()})")


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
