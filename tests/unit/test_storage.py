"""The object store over a directory and over fsspec's in-memory file system."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.storage import CHUNK, PARTS, ObjectMissing, ObjectStore, StorageUnavailable


@pytest.fixture(params=["directory", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return ObjectStore(str(tmp_path / "objects") if request.param == "directory" else f"memory://{uuid.uuid4().hex}")


async def test_what_was_put_is_read_back_whole_and_in_ranges(store: ObjectStore, tmp_path: Path) -> None:
    data = bytes(range(256)) * 3000
    (tmp_path / "source").write_bytes(data)
    await store.put_file("logs/a/worker-0.gz", tmp_path / "source")
    assert await store.size("logs/a/worker-0.gz") == len(data)
    assert await store.read("logs/a/worker-0.gz") == data
    assert await store.read("logs/a/worker-0.gz", 1000, 7) == data[1000:1007]
    assert await store.read("logs/a/worker-0.gz", len(data) - 3, 100) == data[-3:]
    assert await store.read("logs/a/worker-0.gz", len(data) + 5, 100) == b""
    pieces = [piece async for piece in store.stream("logs/a/worker-0.gz", 10, CHUNK + 1)]
    assert b"".join(pieces) == data[10 : 10 + CHUNK + 1]
    assert max(map(len, pieces)) <= CHUNK


async def test_an_open_file_is_stored_from_its_start(store: ObjectStore, tmp_path: Path) -> None:
    with (tmp_path / "source").open("w+b") as source:
        source.write(b"canonical")
        await store.put_file("bundles/x.tar.gz", source)
    assert await store.read("bundles/x.tar.gz") == b"canonical"


async def test_putting_again_replaces(store: ObjectStore) -> None:
    await store.put_bytes("a/b", b"first, and longer")
    await store.put_bytes("a/b", b"second")
    assert await store.read("a/b") == b"second"


async def test_moving_replaces_and_leaves_nothing_behind(store: ObjectStore) -> None:
    await store.put_bytes("a/b", b"moved")
    await store.put_bytes("c/d", b"old")
    await store.move("a/b", "c/d")
    assert not await store.exists("a/b")
    assert await store.read("c/d") == b"moved"
    with pytest.raises(ObjectMissing):
        await store.move("a/b", "c/d")


async def test_what_is_missing_says_so(store: ObjectStore) -> None:
    assert not await store.exists("a/b")
    await store.delete("a/b")
    for reading in (store.read("a/b"), store.size("a/b"), store.open("a/b")):
        with pytest.raises(ObjectMissing):
            await reading
    with pytest.raises(ObjectMissing):
        _ = [piece async for piece in store.stream("a/b")]
    assert await store.list("a") == []


async def test_listing_names_sizes_and_times_below_a_folder_only(store: ObjectStore) -> None:
    for key in ("logs/1/b", "logs/1/a", "logs/10/a", "other"):
        await store.put_bytes(key, key.encode())
    listed = await store.list("logs/1")
    assert [(info.key, info.size) for info in listed] == [("logs/1/a", 8), ("logs/1/b", 8)]
    assert all(info.modified and abs(datetime.now(UTC) - info.modified) < timedelta(minutes=5) for info in listed)
    await store.delete("logs/1/a")
    assert [info.key for info in await store.list("logs")] == ["logs/1/b", "logs/10/a"]


async def test_a_folder_goes_with_all_that_is_in_it(store: ObjectStore) -> None:
    for key in ("logs/a/1/x.gz", "logs/a/2/y.gz", "logs/ab/z.gz"):
        await store.put_bytes(key, b"x")
    await store.delete_folder("logs/a")
    await store.delete_folder("logs/a")
    await store.delete_folder("nothing/here")
    assert [info.key for info in await store.list("logs")] == ["logs/ab/z.gz"]


@pytest.mark.parametrize("key", ["", "/etc/passwd", "a/../b", "..", "a//b", "a/", ".parts/x", "a b", "a\x00b", "é"])
async def test_a_key_cannot_leave_the_store(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="not an object key"):
        await store.put_bytes(key, b"")


async def test_a_reader_never_meets_half_an_object(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    bodies = {bytes([n]) * 2_000_000 for n in range(6)}
    await store.put_bytes("a", bytes([0]) * 2_000_000)

    async def write(body: bytes) -> None:
        await store.put_bytes("a", body)

    async def check() -> None:
        assert await store.read("a") in bodies

    await asyncio.gather(*(write(body) for body in bodies), *(check() for _ in range(20)))
    assert list((tmp_path / PARTS).iterdir()) == []


async def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))

    class Broken:
        def seek(self, offset: int) -> int:
            return offset

        def read(self, size: int = -1) -> bytes:
            raise OSError("the disk went away")

    with pytest.raises(StorageUnavailable, match="the disk went away"):
        await store.put_file("a/b", Broken())  # type: ignore[arg-type]
    assert not await store.exists("a/b")
    assert list((tmp_path / PARTS).iterdir()) == []
