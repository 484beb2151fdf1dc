"""What requests mean to an authorizer: `(verb, group, resource)` as the API server itself names them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from app.errors import ClusterError
from tests.support.rights import Right

_VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update"}


def right_of(method: str, path: str, params: Mapping[str, Any] | None = None) -> Right:
    """The right that a request needs."""
    parts = urlsplit(path).path.strip("/").split("/")
    if parts[0] not in ("api", "apis"):
        return method.lower(), "", path
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    resource, named = rest[0] + (f"/{rest[2]}" if len(rest) > 2 else ""), len(rest) > 1
    if method == "GET":
        watched = (params or {}).get("watch") == "true"
        return "get" if named else "watch" if watched else "list", group, resource
    if method == "DELETE":
        return "delete" if named else "deletecollection", group, resource
    return _VERBS[method], group, resource


class Asking:
    """Stands in for the client to the cluster and keeps what it was asked for; everything made is there already."""

    def __init__(self) -> None:
        self.rights: set[Right] = set()
        self.streams = 0
        self._made: dict[str, bytes] = {}

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> bytes | None:
        self.rights.add(right_of("GET", path, params))
        if path in self._made:
            return self._made[path]
        named = right_of("GET", path, params)[0] == "get"
        return None if named else b'{"metadata":{"resourceVersion":"1"},"items":[]}'

    async def create(self, path: str, body: Mapping[str, Any]) -> bytes:
        self.rights.add(right_of("POST", path))
        self._made[f"{path}/{body['metadata']['name']}"] = _there(body)
        raise ClusterError("It is there.", http_status=409, reason="AlreadyExists")

    async def patch(self, path: str, change: Any, **kwargs: Any) -> bytes | None:
        self.rights.add(right_of("PATCH", path))
        if kwargs.get("params", {}).get("fieldManager"):
            # Server-side apply of what is not there is a creation, which the API server asks about as well.
            self.rights.add(right_of("POST", path.rpartition("/")[0]))
            return _there(change)
        return None

    async def delete(self, path: str, **kwargs: Any) -> bytes | None:
        self.rights.add(right_of("DELETE", path))
        return None

    @asynccontextmanager
    async def stream(self, path: str, params: Mapping[str, Any], **kwargs: Any) -> AsyncIterator[Any]:
        self.rights.add(right_of("GET", path, params))
        self.streams += 1
        yield _Silent()


class _Silent:
    """A watch that nothing is told by, or a log without a line."""

    @property
    def content(self) -> _Silent:
        return self

    async def iter_any(self) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        for piece in ():
            yield piece


def _there(manifest: Mapping[str, Any]) -> bytes:
    meta = {"uid": "u", "resourceVersion": "1", **manifest["metadata"]}
    return json.dumps({**manifest, "metadata": meta}).encode()
