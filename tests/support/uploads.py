"""Uploading through the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.archives import GOOD, make_zip


async def upload(
    client: httpx.AsyncClient, name: str | None = "digits", archive: bytes | None = None, **fields: str
) -> httpx.Response:
    """POST an archive as a new algorithm."""
    data = {**({"name": name} if name is not None else {}), **fields}
    files = {"archive": ("code.zip", make_zip(GOOD) if archive is None else archive)}
    return await client.post("/api/v1/algorithms", data=data, files=files)


async def upload_version(client: httpx.AsyncClient, name: str, archive: bytes) -> httpx.Response:
    return await client.post(f"/api/v1/algorithms/{name}/versions", files={"archive": ("a", archive)})


async def upload_folder(client: httpx.AsyncClient, name: str, files: Mapping[str, bytes]) -> httpx.Response:
    """POST a folder's files as a browser does: one part each, the path as its file name."""
    parts: list[Any] = [("files", (path, data)) for path, data in files.items()]
    return await client.post("/api/v1/algorithms", data={"name": name}, files=parts)
