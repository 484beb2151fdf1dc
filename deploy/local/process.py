"""Processes that outlive the command which started them: recorded, recognised and ended by process id."""

import json
import os
import select
import signal
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Record:
    """Enough to know a process again: an id alone may belong to another process by now."""

    pid: int
    started: int  # clock ticks since boot
    boot: str
    argv: list[str]


def remember(file: Path, pid: int, argv: list[str]) -> None:
    _, started = _state_and_start(pid)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(Record(pid, started, _boot(), argv)), indent=1))


def recall(file: Path) -> Record | None:
    """The recorded process if it is still the same one and alive, else None."""
    if not file.exists():
        return None
    try:
        record = Record(**json.loads(file.read_text()))
        state, started = _state_and_start(record.pid)
    except (ValueError, TypeError, FileNotFoundError, ProcessLookupError):
        return None  # a half-written record, or no such process
    same = record.boot == _boot() and record.started == started
    return record if same and state not in "ZX" else None


def end(file: Path, *, grace: float) -> None:
    """Ask it to end, wait at most `grace` seconds, then make it end. Gone when this returns."""
    record = recall(file)
    if record is not None:
        _end(record, file, grace)
    file.unlink(missing_ok=True)


def _end(record: Record, file: Path, grace: float) -> None:
    try:
        handle = os.pidfd_open(record.pid)
    except ProcessLookupError:
        return
    try:
        if recall(file) is None:  # the id was reused between the look and the handle
            return
        if grace > 0:
            _send(handle, signal.SIGTERM)
        if not _gone(handle, grace):
            _send(handle, signal.SIGKILL)
            if not _gone(handle, 30):
                raise RuntimeError(f"Process {record.pid} ({record.argv[0]}) does not end, not even killed.")
    finally:
        os.close(handle)


def _send(handle: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return


def _gone(handle: int, seconds: float) -> bool:
    return bool(select.select([handle], [], [], seconds)[0])


def _state_and_start(pid: int) -> tuple[str, int]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
