"""One container's log through the API, read as often as needed: each reading goes on where the last one stopped."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from app.domain.log import LogPiece
from app.errors import ClusterError
from app.k8s.client import KubeClient
from app.k8s.log_parser import LogParser, Position
from app.k8s.manifests.jobs import CONTAINER

BLOCK = 64 * 1024
IDLE_SECONDS = (30.0, 60.0)
"""A followed log that is silent for so long is asked for again: kubelet may stop telling at a rotation, and a
connection whose other end has gone is silent too."""
READ_SECONDS = 10.0
"""A log that is only read comes without pauses; a node that does not answer is not waited for longer."""


class LogNotReady(Exception):
    """The container has not started (yet)."""


class LogGone(Exception):
    """There is no such pod any more."""


class LogTrouble(Exception):
    """The cluster answered with a text of its own instead of log, or did not answer; trying again may help."""


@dataclass(frozen=True, slots=True)
class Unended:
    """What a followed log stopped in: a line without an end. Reading gives it again, for as long as there is a pod."""

    before: Position
    piece: LogPiece
    after: Position


class PodLog:
    """The log of a pod's one container. `position` is how far it was given out."""

    def __init__(self, client: KubeClient, namespace: str, pod: str, position: Position) -> None:
        self._client = client
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        self.position = position
        self.unended: Unended | None = None

    async def follow(self) -> AsyncGenerator[LogPiece, None]:
        """As it is written, until the cluster ends the answer: the container has ended, or the connection has.

        Launching trainings goes before it when requests are scarce. Raises LogNotReady, LogGone, LogTrouble.
        """
        parser = LogParser(self.position)
        async with aclosing(self._pieces(parser, follow=True)) as pieces:
            async for piece in pieces:
                yield piece
        last = parser.end()
        self.unended = Unended(self.position, last, parser.position) if last else None

    async def read(self) -> AsyncGenerator[LogPiece, None]:
        """What there is now, with the last line even if it has no end. Raises LogNotReady, LogGone, LogTrouble."""
        parser = LogParser(self.position)
        async with aclosing(self._pieces(parser, follow=False)) as pieces:
            async for piece in pieces:
                yield piece
        if parser.trouble:
            raise LogTrouble(parser.trouble)
        last = parser.end()
        if last:
            self.position = parser.position
            yield last

    async def _pieces(self, parser: LogParser, *, follow: bool) -> AsyncGenerator[LogPiece, None]:
        params = {"container": CONTAINER, "timestamps": "true"}
        if follow:
            params["follow"] = "true"
        if self.position.since:
            params["sinceTime"] = self.position.since
        idle = random.uniform(*IDLE_SECONDS) if follow else READ_SECONDS
        try:
            async with self._client.stream(self._path, params, idle=idle, can_wait=follow) as response:
                async for block in response.content.iter_chunked(BLOCK):
                    piece = parser.feed(block)
                    if piece:
                        self.position = parser.position
                        yield piece
        except ClusterError as exc:
            if exc.http_status == 404:
                raise LogGone(exc.detail) from exc
            if exc.http_status == 400:
                raise LogNotReady(exc.detail) from exc
            if follow and isinstance(exc.__cause__, TimeoutError):
                return  # it was silent: whoever wants to asks again
            raise LogTrouble(exc.detail) from exc
