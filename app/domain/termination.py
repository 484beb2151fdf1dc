"""What a task says about itself when it ends: its termination message, and what that proves about its log.

`start.sh` leaves one JSON object, at most 300 bytes:

    {"v":1,"exit":N,"phase":"setup|unpack|run","lines":N,"bytes":N,"sha256":"…"}

A task that was killed leaves only `v` and the phase it had reached. One whose output could not be followed to its
end (a process that nothing ends still held it) leaves `v`, `exit` and `phase`.

`lines`, `bytes` and `sha256` describe the output in **canonical form**: every carriage return removed, and a newline
put behind the last line if it has none. A container runtime drops the carriage return of `\\r\\n`, some add the last
newline; whatever else a log reader gives back must be what the task wrote. `LogDigest` is the reference for this form.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TypeGuard

from app.domain.training import LogVerdict


@dataclass(frozen=True)
class LogSum:
    """Size and SHA-256 (64 hex digits) of an output in canonical form."""

    lines: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Termination:
    """A parsed message. `exit` is None when the task was killed; `output` when it could not be summed up."""

    phase: str
    exit: int | None = None
    output: LogSum | None = None


def parse_termination(message: str | None) -> Termination | None:
    """The value of a container's termination message; None when it is absent or not start.sh's."""
    try:
        said = json.loads(message or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("v") != 1 or said.get("phase") not in _PHASES:
        return None
    exit_code = said.get("exit")
    if not _is_count(exit_code) or exit_code > 255:
        return Termination(said["phase"])
    return Termination(said["phase"], exit_code, _parse_sum(said))


def judge_log(said: Termination | None, received: LogSum) -> tuple[LogVerdict, int | None]:
    """Compare what the task says it wrote with what was received of it; the number is of the lines missing.

    INCOMPLETE with 0 lines missing: some are damaged or doubled. None: nobody knows.
    """
    if said is None or said.output is None:
        return LogVerdict.UNVERIFIED, None
    if said.output == received:
        return LogVerdict.VERIFIED, 0
    return LogVerdict.INCOMPLETE, max(0, said.output.lines - received.lines)


class LogDigest:
    """Sums up an output piece by piece, however it is cut."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._newlines = 0
        self._bytes = 0
        self._ended = True  # the last line has its newline

    def update(self, data: bytes) -> None:
        data = data.replace(b"\r", b"")
        if not data:
            return
        self._hash.update(data)
        self._newlines += data.count(b"\n")
        self._bytes += len(data)
        self._ended = data.endswith(b"\n")

    def sum(self) -> LogSum:
        """The sum of what was given so far, as if it ended here."""
        if self._ended:
            return LogSum(self._newlines, self._bytes, self._hash.hexdigest())
        ended = self._hash.copy()
        ended.update(b"\n")
        return LogSum(self._newlines + 1, self._bytes + 1, ended.hexdigest())


_PHASES = ("setup", "unpack", "run")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _parse_sum(said: dict[str, object]) -> LogSum | None:
    lines, size, sha256 = said.get("lines"), said.get("bytes"), said.get("sha256")
    if not (_is_count(lines) and _is_count(size) and isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        return None
    return LogSum(lines, size, sha256)


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0
