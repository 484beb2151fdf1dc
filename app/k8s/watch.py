"""One watched collection: list it, follow it, and never trust that a silent watch is a quiet one.

A paged list gives everything and a version; a watch with bookmarks follows from there for a few minutes. A clean end
goes on from the last version. Anything else (a cut, silence beyond the deadline, 410 Gone) lists again, and so does
the clock every few minutes, because watches have been seen to go blind without an error.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import structlog

from app import telemetry
from app.errors import ClusterError
from app.k8s.client import KubeClient
from app.k8s.objects import Bookmark, Meta, ObjectList, StatusObject, WatchLine

PAGE = 500
_log = structlog.get_logger(__name__)
_line = msgspec.json.Decoder(WatchLine)
_bookmark = msgspec.json.Decoder(Bookmark)
_status = msgspec.json.Decoder(StatusObject)


class HasMeta(Protocol):
    @property
    def metadata(self) -> Meta: ...


T = TypeVar("T", bound=HasMeta)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: how long one watch request lasts, how long it may be silent, how often everything is listed anew.

    A request ends before silence counts as a cut: the API server sends no bookmarks for events, nor for anything that
    has not changed since it started.
    """

    request: float = 60.0
    silence: float = 90.0
    relist: float = 300.0
    longest_backoff: float = 5.0


class Watch(Generic[T]):
    """A collection at `path`, kept up to date for as long as `run` runs.

    `replaced` is called with every object after a list, `changed` with each change (`deleted` says which kind).
    `fresh` says whether what was told last is the present as far as can be known.
    """

    def __init__(
        self,
        client: KubeClient,
        path: str,
        kind: type[T],
        *,
        replaced: Callable[[list[T], int], None],
        changed: Callable[[T, bool], None],
        selector: dict[str, str] | None = None,
        patience: Patience = Patience(),
    ) -> None:
        self.path = path
        self.fresh = False
        self.problem = "not listed yet"
        self._client = client
        self._selector = selector or {}
        self._patience = patience
        self._replaced = replaced
        self._changed = changed
        self._page: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ObjectList[kind])  # type: ignore[valid-type]
        self._object: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)

    async def run(self) -> None:
        """Follow for ever; troubles are logged and tried again."""
        failures = 0
        while True:
            try:
                version = await self._list()
                self.fresh, self.problem, failures = True, "", 0
                self._heard()
                await self._follow(version)
            except _Expired as exc:
                _log.info("watch expired", path=self.path, problem=str(exc))
            except (ClusterError, msgspec.MsgspecError) as exc:
                self.fresh, self.problem = False, str(exc)
                failures += 1
                _log.warning("watch cut", path=self.path, problem=str(exc), failures=failures)
                await asyncio.sleep(self._backoff(failures))

    async def _list(self) -> str:
        items: list[T] = []
        version, token = "", ""
        while True:
            params: dict[str, str | int] = {**self._selector, "limit": PAGE}
            if token:
                params["continue"] = token
            try:
                data = await self._client.get(self.path, params)
            except ClusterError as exc:
                if exc.http_status != 410 or not token:
                    raise
                items, token = [], ""
                continue
            page: ObjectList[T] = self._page.decode(data or b'{"metadata":{},"items":[]}')
            items += page.items
            version, token = page.metadata.resource_version, page.metadata.continue_
            if not token:
                self._replaced(items, int(version) if version.isdigit() else 0)
                return version

    async def _follow(self, version: str) -> None:
        """Watch from `version` on, request after request, until it is time to list again."""
        until = monotonic() + self._patience.relist * random.uniform(0.8, 1.2)
        while monotonic() < until:
            self._heard()
            async with aclosing(self._lines(version)) as lines:
                async for line in lines:
                    version = self._take(line)
                    self._heard()

    def _heard(self) -> None:
        telemetry.WATCH_HEARD.labels(self.path).set_to_current_time()

    def _take(self, line: WatchLine) -> str:
        """The version that the collection has with this line."""
        if line.type == "BOOKMARK":
            return _bookmark.decode(line.object).metadata.resource_version
        if line.type == "ERROR":
            status = _status.decode(line.object)
            if status.code == 410:
                raise _Expired(status.message)
            raise ClusterError(status.message, http_status=status.code, reason=status.reason)
        found = self._object.decode(line.object)
        self._changed(found, line.type == "DELETED")
        return found.metadata.resource_version

    async def _lines(self, version: str) -> AsyncGenerator[WatchLine]:
        seconds = int(self._patience.request * random.uniform(0.8, 1.2)) or 1
        params: dict[str, str | int] = {
            **self._selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": seconds,
        }
        rest = b""
        try:
            async with self._client.stream(self.path, params, idle=self._patience.silence) as response:
                async for data in response.content.iter_any():
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        if line:
                            yield _line.decode(line)
        except ClusterError as exc:
            if exc.http_status == 410:
                raise _Expired(str(exc)) from exc
            raise

    def _backoff(self, failures: int) -> float:
        return min(self._patience.longest_backoff, 0.2 * 2.0**failures) * random.uniform(0.5, 1.0)


class _Expired(Exception):
    """The version is too old to follow from; a list gives a new one."""
