"""Runs start.sh as the first process of a PID namespace, as uid 1000: a task's container without a cluster."""

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.domain.termination import LogDigest, LogSum, Termination, parse_termination

START_SH = Path(__file__).parents[2] / "app/k8s/manifests/start.sh"
DEADLINE = 60  # seconds after which a task that has not ended is a failure


@dataclass(frozen=True)
class Ended:
    exit: int
    output: bytes
    message: str

    @property
    def termination(self) -> Termination | None:
        return parse_termination(self.message)

    @property
    def received(self) -> LogSum:
        digest = LogDigest()
        digest.update(self.output)
        return digest.sum()


class TaskProcess:
    """A started task. `read_until` and `end` give its output, `signal` sends to its PID 1."""

    def __init__(self, process: subprocess.Popen[bytes], message_file: Path) -> None:
        self._process = process
        self._message_file = message_file
        self._read = b""

    def read_until(self, marker: bytes) -> bytes:
        assert self._process.stdout is not None
        while marker not in self._read:
            more = os.read(self._process.stdout.fileno(), 65536)
            assert more, f"ended before {marker!r}: {self._read!r}"
            self._read += more
        return self._read

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._first_pid(), number)

    def running(self) -> bool:
        return self._process.poll() is None

    def message(self) -> str:
        return self._message_file.read_text()

    def end(self) -> Ended:
        rest, _ = self._process.communicate(timeout=DEADLINE)
        return Ended(self._process.returncode, self._read + rest, self.message())

    def kill(self) -> None:
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
        self._process.communicate()

    def _first_pid(self) -> int:
        outer = self._process.pid
        return int(Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0])


class Pod:
    """The directories of one task: fill `source`, `pack()`, then `start()`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run, self.code, self.home, self.tmp = (root / name for name in ("run", "code", "home", "tmp"))
        self.source, self.message_file = root / "source", root / "message"
        for directory in (self.run, self.code, self.home, self.tmp, self.source):
            directory.mkdir()
        for writable in (self.code, self.home, self.tmp):
            writable.chmod(0o777)
        self.message_file.touch()
        self.message_file.chmod(0o666)
        self.set_environment("")

    def set_environment(self, env_sh: str) -> None:
        (self.run / "env.sh").write_text(env_sh)

    def pack(self, parts: int = 1) -> None:
        archive = self.root / "bundle.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for path in sorted(self.source.iterdir()):
                tar.add(path, arcname=path.name)
        data = archive.read_bytes()
        size = -(-len(data) // parts)
        for number in range(parts):
            (self.run / f"code.{number:03}").write_bytes(data[number * size : (number + 1) * size])

    @contextmanager
    def start(self, *args: str, env: Mapping[str, str] | None = None) -> Iterator[TaskProcess]:
        namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        own_tmp = ["sh", "-c", 'mount --bind "$0" /tmp && exec "$@"', str(self.tmp)]
        user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
        process = subprocess.Popen(
            [*namespace, *own_tmp, *user, "bash", str(START_SH), *args],
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "HOME": str(self.home),
                "TAAS_RUN_DIR": str(self.run),
                "TAAS_CODE_DIR": str(self.code),
                "TAAS_TERMINATION_LOG": str(self.message_file),
                "TAAS_LINGER": "1",
                **(env or {}),
            },
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        task = TaskProcess(process, self.message_file)
        try:
            yield task
        finally:
            task.kill()

    def finish(self, script: str, *args: str, env: Mapping[str, str] | None = None) -> Ended:
        """Run `script` as run.sh to its end."""
        (self.source / "run.sh").write_text(script)
        self.pack()
        with self.start(*args, env=env) as task:
            return task.end()


@contextmanager
def pod_directories() -> Iterator[Pod]:
    assert os.geteuid() == 0, "start.sh is tested as PID 1 of a namespace of its own: run the tests as root"
    root = Path(tempfile.mkdtemp(prefix="taas-pod-", dir="/var/tmp"))  # not in /tmp: each task has its own
    root.chmod(0o755)
    try:
        yield Pod(root)
    finally:
        shutil.rmtree(root)
