"""The multipart form of an upload, whatever pieces it arrives in."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.bundle.limits import Limits
from app.errors import InvalidInput, TaasError, TooLarge
from app.services.uploads import Upload, received
from tests.support.archives import GOOD, make_zip

FOLDER = [("files", (f"picked/{name}", data)) for name, data in GOOD.items()]
FORMS = [
    httpx.Request("POST", "http://x", data={"name": "a", "description": "ü"}, files={"archive": make_zip(GOOD)}),
    httpx.Request("POST", "http://x", data={"name": "a", "description": "ü"}, files=FOLDER),
]


@settings(max_examples=60)
@given(st.sampled_from(FORMS), st.lists(st.integers(1, 3000), min_size=1, max_size=30))
def test_a_form_is_the_same_in_whatever_pieces(form: httpx.Request, sizes: list[int]) -> None:
    fields, files = asyncio.run(_receive(form.headers["content-type"], _pieces(form.read(), sizes)))
    assert fields == {"name": "a", "description": "ü"}
    assert {name.removeprefix("picked/"): data for name, data in files.items()} == GOOD


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("a/b.py", "a/b.py"),
        ("ünï/日本.py", "ünï/日本.py"),
        ("a%22b", 'a"b'),
        ("100%.txt", "100%.txt"),
        ("a;b=c", "a;b=c"),
        ("a'b $(c)", "a'b $(c)"),
    ],
)
async def test_file_names_as_browsers_send_them(sent: str, name: str) -> None:
    body = _form(f'form-data; name="files"; filename="{sent}"'.encode())
    _, files = await _receive("multipart/form-data; boundary=x", _pieces(body, [len(body)]))
    assert list(files) == [name]


async def test_a_file_name_that_is_not_utf8_is_refused() -> None:
    body = _form(b'form-data; name="files"; filename="a\xff"')
    with pytest.raises(TaasError) as caught:
        await _receive("multipart/form-data; boundary=x", _pieces(body, [len(body)]))
    assert caught.value.code == "path_not_utf8"


@settings(max_examples=150)
@given(st.sampled_from(FORMS), st.data())
def test_damage_to_a_form_is_refused_or_harmless(form: httpx.Request, data: st.DataObject) -> None:
    body = bytearray(form.read())
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, min(len(body) - 1, 400)))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    for sent in (bytes(body), bytes(body[:cut])):
        with suppress(InvalidInput, TooLarge):
            asyncio.run(_receive(form.headers["content-type"], _pieces(sent, [512])))


async def _receive(content_type: str, chunks: list[bytes]) -> tuple[dict[str, str], dict[str, bytes]]:
    upload = Upload(content_type, None, _stream(chunks))
    async with received(upload, Limits(), Path(tempfile.gettempdir())) as form:
        return form.fields, {entry.name: b"".join(entry.content()) for entry in form.entries()}


async def _stream(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _pieces(body: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at, turn = [], 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        pieces.append(body[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


def _form(disposition: bytes) -> bytes:
    return b"--x\r\nContent-Disposition: " + disposition + b"\r\n\r\ncontent\r\n--x--\r\n"
