"""Hostile uploads against the real server: refused early, in bounded memory and on bounded disk."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import random
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.domain.bundle.limits import MIB, Limits
from tests.support.archives import GOOD, RUN, ZipMember, deflate, make_tar, make_zip, raw_zip
from tests.support.database import PostgresForTests
from tests.support.server import WebProcess, web_process

GIB = 1024 * MIB
LIMITS = Limits()
# What the process itself takes while it works, whatever is sent: batches, buffers, the interpreter's own growth.
MEMORY = 96 * MIB
PART = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n'
NAME = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nhostile\r\n'
END = b"\r\n--x--\r\n"


@pytest.fixture(scope="module")
async def server(postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebProcess]:
    home: Path = tmp_path_factory.mktemp("home")
    async with postgres.fresh() as url, web_process(url, home) as running:
        yield running


async def test_an_endless_archive_in_chunks(server: WebProcess) -> None:
    body = itertools.chain([PART % (b"archive", b"a.zip"), b"PK\x03\x04"], itertools.repeat(b"\xa5" * MIB, 2048))
    answer = await _hostile(server, body)
    assert (answer.status, answer.code) == (413, "archive_too_large")
    assert answer.sent < LIMITS.max_archive_bytes + 16 * MIB


async def test_an_archive_that_says_it_has_two_gibibytes(server: WebProcess) -> None:
    answer = await _hostile(server, itertools.repeat(bytes(MIB), 2048), length=2 * GIB)
    assert answer.status == 413
    assert answer.sent < 16 * MIB
    assert answer.scratch == 0


async def test_an_archive_that_is_longer_than_it_says(server: WebProcess) -> None:
    body = itertools.chain([PART % (b"archive", b"a.zip")], itertools.repeat(bytes(MIB), 2048))
    # What follows the announced body is no request: the server may answer either, and then cuts the connection.
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        answer = await _hostile(server, body, length=1000)
        assert answer.status in (400, 422)
    async with server.watched() as peak:
        await _quiet(server)
    assert peak.scratch < MIB


async def test_a_bomb_in_gzip(server: WebProcess) -> None:
    bomb = gzip.compress(bytes(16 * MIB)) * 128
    answer = await _hostile(server, [PART % (b"archive", b"a.tar.gz"), bomb, END])
    assert (answer.status, answer.code) == (413, "archive_bomb")
    assert answer.scratch <= LIMITS.ratio_free_bytes + MIB


async def test_a_bomb_in_zip(server: WebProcess) -> None:
    zeros = bytes(32 * MIB)
    packed, crc = deflate(zeros), zlib.crc32(zeros)
    members = [ZipMember(b"%d" % n, packed=packed, crc=crc, size=len(zeros)) for n in range(64)]
    bomb = raw_zip([ZipMember(b"run.sh", RUN), *members])
    answer = await _hostile(server, [NAME, PART % (b"archive", b"a.zip"), bomb, END])
    assert (answer.status, answer.code) == (413, "archive_bomb")
    assert answer.scratch < len(bomb) + MIB


async def test_a_central_directory_of_millions(server: WebProcess) -> None:
    archive = raw_zip([ZipMember(b"run.sh", RUN)])
    record = archive[archive.index(b"PK\x01\x02") : archive.index(b"PK\x05\x06")]
    body = [NAME, PART % (b"archive", b"a.zip"), archive[:-22], *[record * 20_000] * 20, archive[-22:], END]
    answer = await _hostile(server, body)
    assert (answer.status, answer.code) == (422, "corrupt_archive")


async def test_an_endless_folder(server: WebProcess) -> None:
    answer = await _hostile(server, (PART % (b"files", b"a/%d" % n) + b"x\r\n" for n in itertools.count()))
    assert (answer.status, answer.code) == (413, "too_many_entries")


async def test_a_folder_with_an_endless_file(server: WebProcess) -> None:
    body = itertools.chain([PART % (b"files", b"a/b")], itertools.repeat(b"\xa5" * MIB, 2048))
    answer = await _hostile(server, body)
    assert (answer.status, answer.code) == (413, "archive_too_large")


@pytest.mark.parametrize("field", [b"name", b"description"])
async def test_an_endless_field(server: WebProcess, field: bytes) -> None:
    body = itertools.chain([b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n' % field], _endless())
    answer = await _hostile(server, body)
    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.sent < 16 * MIB


async def test_an_endless_field_that_is_not_ours(server: WebProcess) -> None:
    body = itertools.chain([b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n'], _endless())
    answer = await _hostile(server, body)
    assert answer.status == 413
    assert answer.scratch < MIB


async def test_an_endless_part_header(server: WebProcess) -> None:
    answer = await _hostile(server, itertools.chain([b"--x\r\nContent-Disposition: form-data; name="], _endless()))
    assert (answer.status, answer.code) == (422, "malformed_form")


async def test_nobody_is_not_read_from(server: WebProcess) -> None:
    body = itertools.chain([PART % (b"archive", b"a.zip")], itertools.repeat(bytes(MIB), 2048))
    answer = await _hostile(server, body, token="taas_wrong")
    assert answer.status == 401
    assert answer.sent < 16 * MIB
    assert answer.scratch == 0


async def test_connections_that_break_off_leave_nothing(server: WebProcess) -> None:
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(_head(server.token, None) + b"%x\r\n" % (2 * MIB) + bytes(MIB))
        await writer.drain()
        writer.close()
    await _quiet(server)
    assert list((server.home / "uploads").glob("*")) == []


async def test_a_large_honest_upload_fits(server: WebProcess) -> None:
    noise = random.Random(1).randbytes(64 * MIB)
    files = {**GOOD, "data/large.bin": noise}
    async with httpx.AsyncClient(base_url=server.url, timeout=120) as client, server.watched() as peak:
        for name, archive in (("large-zip", make_zip(files)), ("large-tar", make_tar(files))):
            made = await client.post(
                "/api/v1/algorithms",
                data={"name": name},
                files={"archive": ("a", archive)},
                headers={"Authorization": f"Bearer {server.token}"},
            )
            assert made.status_code == 201, made.text
    assert peak.growth < MEMORY


@dataclass
class Answer:
    status: int
    code: str
    sent: int
    scratch: int


async def _hostile(
    server: WebProcess, body: Iterable[bytes], *, length: int | None = None, token: str | None = None
) -> Answer:
    """Send a body until the server answers, and check what that cost the server."""
    async with server.watched() as peak:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        answered = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
        sent = await _send(writer, _head(token or server.token, length), body, answered, chunked=length is None)
        async with asyncio.timeout(60):
            head = (await answered).lower()
            size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-l"))
            content = await reader.readexactly(size)
        code = json.loads(content)["code"] if b"application/problem+json" in head else ""
        writer.close()
    assert peak.growth < MEMORY, f"{peak.growth / MIB:.0f} MiB of memory"
    assert peak.scratch < LIMITS.max_archive_bytes + MIB, f"{peak.scratch / MIB:.0f} MiB of disk"
    await _quiet(server)
    return Answer(int(head.split()[1]), code, sent, peak.scratch)


async def _send(
    writer: asyncio.StreamWriter, head: bytes, body: Iterable[bytes], answered: asyncio.Future[bytes], *, chunked: bool
) -> int:
    """How many bytes of the body went out before the answer came."""
    writer.write(head)
    sent = 0
    for piece in body:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        drained = asyncio.ensure_future(writer.drain())
        await asyncio.wait({answered, drained}, return_when=asyncio.FIRST_COMPLETED)
        if answered.done():
            drained.cancel()
            return sent
        try:
            await drained
        except ConnectionError:
            return sent
        sent += len(piece)
    if chunked:
        writer.write(b"0\r\n\r\n")
    return sent


async def _quiet(server: WebProcess) -> None:
    """Every scratch file is gone and the server answers."""
    async with asyncio.timeout(30), httpx.AsyncClient(base_url=server.url) as client:
        while server.scratch():
            assert (await client.get("/healthz")).status_code == 200


def _head(token: str, length: int | None) -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST /api/v1/algorithms HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\n{framing}\r\n\r\n"
    ).encode()


def _endless() -> Iterator[bytes]:
    return itertools.repeat(b"a" * MIB, 2048)
