"""Receiving a multipart form with an archive or a folder, part by part, as the body streams in.

A framework's own form parser would spool the whole body to disk before anything could refuse it. Here every chunk goes
straight to where it belongs, and the first byte over a limit ends it.

The form: `name` and `description` (text), and either one `archive`, or the `files` of a folder, each with its path
relative to that folder as its file name. Other fields are read over.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from app.domain.bundle.entries import Entry, decoded
from app.domain.bundle.limits import MIB, Limits
from app.domain.bundle.receive import ArchiveReceiver, FolderReceiver
from app.domain.bundle.refusals import Refusal, refuse, size_text
from app.errors import FieldError, InvalidInput, TooLarge
from app.settings import Settings

BATCH_BYTES = MIB
FIELD_MAX_BYTES = 16 * 1024
FIELDS = ("name", "description")
_OTHER_PARTS_MAX = 100
_BROWSER_ESCAPES = {"%22": '"', "%0D": "\r", "%0A": "\n"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A request's body that has not been read yet. `fields`: its texts, as far as they have come."""

    content_type: str
    content_length: int | None
    chunks: AsyncIterator[bytes]
    fields: dict[str, str] = field(default_factory=dict)


def limits_of(settings: Settings) -> Limits:
    """What an operator allows uploads to be."""
    return Limits(max_bytes=settings.upload_max_bytes, max_entries=settings.upload_max_entries)


def upload_of(request: Request) -> Upload:
    """The body of a request, for a handler that must not have let anything else read it."""
    length = request.headers.get("content-length", "")
    known = int(length) if length.isdecimal() and len(length) < 20 else None
    return Upload(request.headers.get("content-type", ""), known, _chunks(request))


@asynccontextmanager
async def received(upload: Upload, limits: Limits, folder: Path) -> AsyncIterator[Form]:
    """The whole form, its files in a scratch file below `folder` that is gone after the block.

    Raises `InvalidInput` or `TooLarge`, as early as the cause is seen.
    """
    boundary = _boundary(upload.content_type)
    if upload.content_length is not None and upload.content_length > limits.max_body_bytes:
        await _beginning(upload, boundary, limits, folder)
        raise refuse(Refusal.TOO_LARGE, limit=size_text(limits.max_bytes))
    with scratch_file(folder) as scratch:
        form = Form(boundary, scratch, limits, upload.fields)
        total = 0
        async for batch in _batches(upload.chunks):
            total += len(batch)
            if total > limits.max_body_bytes:
                raise refuse(Refusal.TOO_LARGE, limit=size_text(limits.max_bytes))
            await asyncio.to_thread(form.write, batch)
        form.close()
        yield form


async def _beginning(upload: Upload, boundary: bytes, limits: Limits, folder: Path) -> None:
    """Read the first texts of a form that is refused anyway, so that a page can show again what was typed."""
    with scratch_file(folder) as scratch, suppress(InvalidInput, TooLarge):
        form = Form(boundary, scratch, limits, upload.fields)
        async for batch in _batches(upload.chunks):
            return await asyncio.to_thread(form.write, batch)


def scratch_file(folder: Path) -> BinaryIO:
    """An open file without a name: it is gone when it is closed, and when the process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    return cast(BinaryIO, tempfile.TemporaryFile(dir=folder))


class Form:
    """What has arrived of a form. `write` and `entries` touch the disk: call them in threads."""

    def __init__(
        self, boundary: bytes, scratch: BinaryIO, limits: Limits, fields: dict[str, str] | None = None
    ) -> None:
        self.fields = {} if fields is None else fields
        self._scratch = scratch
        self._limits = limits
        self._archive: ArchiveReceiver | None = None
        self._folder: FolderReceiver | None = None
        self._parts = 0
        self._part = ""
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._text = b""
        self._complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._part_starts,
                    "on_part_data": self._data,
                    "on_part_end": self._part_ends,
                    "on_end": self._end,
                },
            )
        except FormParserError as exc:
            raise _malformed(str(exc)) from exc

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError as exc:
            raise _malformed(str(exc)) from exc

    def close(self) -> None:
        """After the last byte."""
        if not self._complete:
            raise _malformed("the body ends before the form does")

    def entries(self) -> Iterator[Entry]:
        """The files of the upload, as they came."""
        receiver = self._archive or self._folder
        if receiver is None:
            raise refuse(Refusal.EMPTY)
        return receiver.entries()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > self._limits.max_entries + _OTHER_PARTS_MAX:
            raise refuse(Refusal.TOO_MANY, limit=f"{self._limits.max_entries:,}")
        self._part, self._header, self._value, self._disposition, self._text = "", b"", b"", b"", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _part_starts(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._part = options.get(b"name", b"").decode(errors="replace")
        if self._part == "archive":
            if self._archive or self._folder:
                raise _invalid("archive", "Send one archive, or the files of one folder, not both.")
            self._archive = ArchiveReceiver(self._scratch, self._limits)
        if self._part == "files":
            if self._archive:
                raise _invalid("archive", "Send one archive, or the files of one folder, not both.")
            self._folder = self._folder or FolderReceiver(self._scratch, self._limits)
            self._folder.begin(_file_name(options.get(b"filename", b"")))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part == "archive" and self._archive:
            self._archive.write(data[start:end])
        elif self._part == "files" and self._folder:
            self._folder.write(data[start:end])
        elif self._part in FIELDS:
            self._text += data[start:end]
            if len(self._text) > FIELD_MAX_BYTES:
                raise _invalid(self._part, f"{self._part} is longer than {size_text(FIELD_MAX_BYTES)}: shorten it.")

    def _part_ends(self) -> None:
        if self._part not in FIELDS:
            return
        if self._part in self.fields:
            raise _invalid(self._part, f"{self._part} is there twice: send it once.")
        try:
            self.fields[self._part] = self._text.decode()
        except UnicodeDecodeError as exc:
            raise _invalid(self._part, f"{self._part} is not UTF-8: send it in that encoding.") from exc

    def _end(self) -> None:
        self._complete = True


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        detail = "Send the upload as multipart/form-data, with the file in the field “archive”."
        raise InvalidInput(detail, code="not_multipart", errors=[FieldError("/archive", detail)])
    return options[b"boundary"]


def _file_name(raw: bytes) -> str:
    """The name as it was before the browser escaped what a header cannot hold."""
    return re.sub("%22|%0D|%0A", lambda found: _BROWSER_ESCAPES[found[0]], decoded(raw))


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as exc:
        raise _malformed("the connection was closed before the end") from exc


async def _batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Servers hand over a few KiB at a time; a thread is worth its while for more."""
    batch = bytearray()
    async for chunk in chunks:
        batch += chunk
        if len(batch) >= BATCH_BYTES:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)


def _malformed(problem: str) -> InvalidInput:
    return InvalidInput(f"The upload's form cannot be read: {problem}. Send it again.", code="malformed_form")


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(f"/{field}", detail)])
