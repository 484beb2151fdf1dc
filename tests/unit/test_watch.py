"""The list-and-watch loop against a scripted API server: expiry, cuts, silence, clean ends, split lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from app.errors import ClusterError
from app.k8s import watch as module
from app.k8s.objects import Namespace
from app.k8s.watch import Patience, Watch


def item(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}}


def line(kind: str, name: str, version: int) -> bytes:
    return json.dumps({"type": kind, "object": item(name, version)}).encode() + b"\n"


def bookmark(version: int) -> bytes:
    return json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}).encode() + b"\n"


EXPIRED = json.dumps({"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old"}}).encode()


class Server:
    """Plays lists and watches in order; after the last it stands still. `asked` says what each request began from."""

    def __init__(self, lists: list[Any], watches: list[list[bytes | Exception]]) -> None:
        self.lists = lists
        self.watches = watches
        self.asked: list[str] = []
        self.over = asyncio.Event()

    async def get(self, path: str, params: dict[str, Any]) -> bytes:
        self.asked.append(f"list {params.get('continue', '')}".strip())
        answer = self.lists.pop(0)
        if isinstance(answer, Exception):
            raise answer
        items, version, token = answer
        return json.dumps({"metadata": {"resourceVersion": version, "continue": token}, "items": items}).encode()

    @asynccontextmanager
    async def stream(self, path: str, params: dict[str, Any], *, idle: float | None = None) -> AsyncIterator[Any]:
        self.asked.append(f"watch {params['resourceVersion']}")
        yield _Response(self._pieces())

    async def _pieces(self) -> AsyncIterator[bytes]:
        if not self.watches:
            self.over.set()
            await asyncio.Event().wait()
        for piece in self.watches.pop(0):
            if isinstance(piece, Exception):
                raise piece
            yield piece


class _Response:
    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self.content = self
        self.iter_any = lambda: pieces


class Watched:
    """What a watch has told."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.told: list[str] = []
        self.watch: Watch[Namespace] = Watch(
            server,  # type: ignore[arg-type]
            "/api/v1/namespaces",
            Namespace,
            replaced=lambda items, version: self.told.append(
                f"all at {version}: {','.join(i.metadata.name for i in items)}"
            ),
            changed=lambda found, deleted: self.told.append(f"{'-' if deleted else '+'}{found.metadata.name}"),
            patience=Patience(longest_backoff=0.01),
        )

    async def play(self) -> None:
        task = asyncio.create_task(self.watch.run())
        async with asyncio.timeout(10):
            await self.server.over.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_pages_then_changes_also_when_lines_are_cut_anywhere() -> None:
    stream = line("ADDED", "b", 8) + line("DELETED", "a", 9)
    pieces: list[bytes | Exception] = [stream[:10], stream[10:70], stream[70:]]
    watched = Watched(Server([([item("a", 5)], "7", "more"), ([item("c", 6)], "7", "")], [pieces]))
    await watched.play()
    assert watched.told == ["all at 7: a,c", "+b", "-a"]
    assert watched.server.asked == ["list", "list more", "watch 7", "watch 9"]
    assert watched.watch.fresh


@pytest.mark.parametrize("how", [EXPIRED + b"\n", ClusterError("gone", http_status=410, reason="Expired")])
async def test_an_expired_watch_lists_again(how: bytes | Exception) -> None:
    watched = Watched(Server([([item("a", 5)], "7", ""), ([item("b", 20)], "20", "")], [[how]]))
    await watched.play()
    assert watched.told == ["all at 7: a", "all at 20: b"]
    assert watched.server.asked == ["list", "watch 7", "list", "watch 20"]


async def test_a_bookmark_moves_the_place_to_go_on_from() -> None:
    watched = Watched(Server([([], "7", "")], [[bookmark(90)]]))
    await watched.play()
    assert watched.server.asked == ["list", "watch 7", "watch 90"]


@pytest.mark.parametrize("problem", [ClusterError("cut"), ClusterError("denied", http_status=403)])
async def test_a_cut_or_silent_watch_is_not_fresh_until_it_has_listed_again(problem: ClusterError) -> None:
    fresh: list[bool] = []
    watched = Watched(Server([([], "7", ""), ClusterError("down"), ([], "9", "")], [[problem]]))
    get = watched.server.get

    async def looking(path: str, params: dict[str, Any]) -> bytes:
        fresh.append(watched.watch.fresh)
        return await get(path, params)

    watched.server.get = looking  # type: ignore[method-assign]
    await watched.play()
    assert fresh == [False, False, False]
    assert watched.watch.fresh
    assert watched.told == ["all at 7: ", "all at 9: "]


async def test_an_expired_page_begins_the_list_anew() -> None:
    expired = ClusterError("too old", http_status=410)
    watched = Watched(Server([([item("a", 5)], "7", "more"), expired, ([item("b", 9)], "9", "")], []))
    await watched.play()
    assert watched.told == ["all at 9: b"]


async def test_everything_is_listed_anew_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that has gone blind looks like a quiet one."""
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    server = Server([([], "7", ""), ([item("a", 8)], "8", "")], [[]])
    stream = server.stream

    @asynccontextmanager
    async def hours_later(*args: Any, **more: Any) -> AsyncIterator[Any]:
        async with stream(*args, **more) as response:
            now[0] += 3600
            yield response

    server.stream = hours_later  # type: ignore[method-assign]
    watched = Watched(server)
    await watched.play()
    assert watched.told == ["all at 7: ", "all at 8: a"]
