"""The one form that every upload of the same content is turned into.

A tar of regular files (and of folders with nothing in them), sorted by path, owned by nobody in particular, dated 1970,
with mode 755 for what runs and 644 for the rest; written as tar.gz. The SHA-256 of the tar is the version's digest,
so this format must not change: headers are made here and not by a library that could.
"""

from __future__ import annotations

import codecs
import hashlib
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import BinaryIO

from app.domain.algorithm import RUN_SH, Bundle, FileEntry
from app.domain.bundle.entries import Entry, Kind
from app.domain.bundle.limits import RUN_SH_MAX_BYTES, Limits
from app.domain.bundle.names import clean_path, is_desktop_litter, sort_key
from app.domain.bundle.refusals import Refusal, refuse, size_text

_BLOCK = 512
_HEAD = 8192
_SCRIPTS = (".sh", ".bash")


def canonicalise(entries: Iterable[Entry], target: BinaryIO, limits: Limits) -> Bundle:
    """Check every entry, write the canonical tar.gz to `target`, and say what is in it."""
    accepted, left_out = _accepted(entries, limits)
    plan = _without_enclosing_folder(accepted)
    run_sh = next((entry for entry in plan if entry.name == RUN_SH and entry.kind is Kind.FILE), None)
    if run_sh is None:
        raise refuse(Refusal.NO_RUN_SH, detail=_where_run_sh_is(plan))
    script, normalised = _start_script(run_sh)
    writer = _Writer(target)
    for entry in plan:
        if entry is run_sh:
            writer.add(replace(entry, size=len(script), content=lambda: iter((script,))))
        else:
            writer.add(entry)
    writer.close()
    return Bundle(
        digest=writer.digest.hexdigest(),
        size=sum(file.size for file in writer.files),
        archive_size=writer.packed,
        files=tuple(writer.files),
        run_sh=script,
        run_sh_normalised=normalised,
        crlf_scripts=tuple(writer.crlf_scripts),
        left_out=left_out,
    )


def _accepted(entries: Iterable[Entry], limits: Limits) -> tuple[list[Entry], int]:
    """The entries that are kept, under clean names and sorted, and how many of a desktop's own files are not."""
    kept: dict[str, Entry] = {}
    looks: dict[str, str] = {}
    left_out = total = count = 0
    for entry in entries:
        count += 1
        if count > limits.max_entries:
            raise refuse(Refusal.TOO_MANY, limit=f"{limits.max_entries:,}")
        path = clean_path(entry.name, limits)
        if entry.kind is Kind.LINK:
            raise refuse(Refusal.LINK, path=entry.name)
        if entry.kind is Kind.DEVICE:
            raise refuse(Refusal.DEVICE, path=entry.name)
        if not path:
            if entry.kind is Kind.FILE:
                raise refuse(Refusal.NO_NAME, path=entry.name)
            continue
        total += entry.size
        if total > limits.max_bytes:
            raise refuse(Refusal.TOO_LARGE, limit=size_text(limits.max_bytes))
        if is_desktop_litter(path):
            left_out += entry.kind is Kind.FILE
            continue
        _check_twin(kept.get(path), entry, path)
        if looks.setdefault(unicodedata.normalize("NFC", path), path) != path:
            raise refuse(Refusal.LOOKALIKE, path=path)
        kept[path] = replace(entry, name=path)
    return _sorted(kept), left_out


def _check_twin(first: Entry | None, second: Entry, path: str) -> None:
    """A folder may be named as often as an archive likes; a file once."""
    if first is None or first.kind is second.kind is Kind.FOLDER:
        return
    raise refuse(Refusal.DUPLICATE if first.kind is second.kind else Refusal.CLASH, path=path)


def _sorted(kept: dict[str, Entry]) -> list[Entry]:
    """In canonical order, without folders that files imply. What lies in a folder sorts directly behind it."""
    order = sorted(kept.values(), key=lambda entry: sort_key(entry.name))
    result = []
    for entry, following in zip_longest(order, order[1:]):
        has_children = following is not None and following.name.startswith(entry.name + "/")
        if has_children and entry.kind is Kind.FILE:
            raise refuse(Refusal.CLASH, path=entry.name)
        if not has_children or entry.kind is Kind.FILE:
            result.append(entry)
    return result


def _without_enclosing_folder(entries: list[Entry]) -> list[Entry]:
    """Archives are often made of a folder and not of what is in it: one such folder is taken off."""
    tops = {entry.name.partition("/")[0] for entry in entries}
    if len(tops) != 1 or any("/" not in entry.name for entry in entries):
        return entries
    return [replace(entry, name=entry.name.partition("/")[2]) for entry in entries]


def _where_run_sh_is(plan: list[Entry]) -> str:
    """Ends “There is no run.sh …” with what helps to find the mistake."""
    deeper = next((entry.name for entry in plan if entry.name.endswith("/" + RUN_SH)), None)
    other = next((entry.name for entry in plan if entry.name.lower() == RUN_SH), None)
    if other is not None:
        return f"at the top of the upload (there is {other}: the name must be in small letters)"
    if deeper is not None:
        return "at the top of the upload (there is one deeper inside)"
    return "at the top of the upload"


def _start_script(run_sh: Entry) -> tuple[bytes, bool]:
    """run.sh with Unix line ends, and whether that changed it."""
    if run_sh.size > RUN_SH_MAX_BYTES:
        raise refuse(Refusal.RUN_SH_TOO_LARGE, limit=size_text(RUN_SH_MAX_BYTES))
    script = b"".join(run_sh.content())
    unix = script.replace(b"\r\n", b"\n")
    return unix, unix != script


@dataclass(slots=True)
class _Head:
    """What the first bytes of a file tell."""

    executable: bool
    text: bool
    crlf: bool

    @classmethod
    def of(cls, head: bytes) -> _Head:
        return cls(executable=head.startswith((b"#!", b"\x7fELF")), text=_is_text(head), crlf=b"\r\n" in head)


class _Writer:
    """Writes the tar, its digest and its gzip form in one pass."""

    def __init__(self, target: BinaryIO) -> None:
        self.files: list[FileEntry] = []
        self.crlf_scripts: list[str] = []
        self.digest = hashlib.sha256()
        self.packed = 0
        self._position = 0
        self._target = target
        self._gzip = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)

    def add(self, entry: Entry) -> None:
        if entry.kind is Kind.FOLDER:
            self._emit(_headers(entry.name + "/", size=0, mode=0o755, flag=b"5"))
            return
        pieces = entry.content()
        start = _first(pieces, _HEAD)
        head = _Head.of(start[:_HEAD])
        executable = entry.executable or head.executable
        self._emit(_headers(entry.name, size=entry.size, mode=0o755 if executable else 0o644, flag=b"0"))
        self.files.append(FileEntry(entry.name, entry.size, self._position, executable, head.text))
        if head.crlf and head.text and entry.name.endswith(_SCRIPTS):
            self.crlf_scripts.append(entry.name)
        end = self._position + entry.size
        self._emit(start)
        for piece in pieces:
            self._emit(piece)
        if self._position != end:
            raise refuse(Refusal.CORRUPT, detail="a file has not the size that is declared for it")
        self._emit(bytes(-entry.size % _BLOCK))

    def close(self) -> None:
        self._emit(bytes(2 * _BLOCK))
        self._write(self._gzip.flush())

    def _emit(self, data: bytes) -> None:
        self._position += len(data)
        self.digest.update(data)
        self._write(self._gzip.compress(data))

    def _write(self, packed: bytes) -> None:
        self.packed += len(packed)
        self._target.write(packed)


def _first(pieces: Iterator[bytes], count: int) -> bytes:
    """The first pieces, joined until they hold `count` bytes or there are no more."""
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= count:
            break
    return start


def _is_text(head: bytes) -> bool:
    """UTF-8 without NUL; a character that the end of `head` cuts in two is fine."""
    if b"\0" in head:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD)
    except UnicodeDecodeError:
        return False
    return True


def _headers(name: str, *, size: int, mode: int, flag: bytes) -> bytes:
    """A GNU tar header; a name that does not fit gets GNU's own long-name header, which every tar understands."""
    raw = name.encode()
    if len(raw) <= 100:
        return _header(raw, size=size, mode=mode, flag=flag)
    long = raw + b"\0"
    padding = bytes(-len(long) % _BLOCK)
    announcement = _header(b"././@LongLink", size=len(long), mode=0o644, flag=b"L") + long + padding
    return announcement + _header(raw[:100], size=size, mode=mode, flag=flag)


def _header(name: bytes, *, size: int, mode: int, flag: bytes) -> bytes:
    before = b"%-100b%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(100, b"\0"), mode, 0, 0, size, 0)
    after = (flag + bytes(100) + b"ustar  \0").ljust(_BLOCK - 156, b"\0")
    checksum = sum(before) + 8 * 0x20 + sum(after)
    return before + b"%06o\0 " % checksum + after
