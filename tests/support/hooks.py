"""Hooks made through the API, and deliveries signed by the reference library."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.support.web import Web

DATASET = {"param": "dataset", "path": "/data/path"}
ARGS = ["--data", "{{ params.dataset }}"]


@dataclass(frozen=True)
class MadeHook:
    """A hook, and what was told of it once."""

    id: str
    token: str
    secret: str | None

    @property
    def address(self) -> str:
        return f"/hooks/{self.token}"

    @property
    def api(self) -> str:
        return f"/api/v1/hooks/{self.id}"


async def make_hook(client: httpx.AsyncClient, project: str = "hello", **fields: Any) -> MadeHook:
    body = {"name": "nightly", "rules": [DATASET], **fields}
    made = await client.post(f"/api/v1/projects/{project}/hooks", json=body)
    assert made.status_code == 201, made.text
    answer = made.json()
    return MadeHook(answer["id"], answer["token"], answer["secret"])


def signed(hook: MadeHook, body: bytes, *, id_: str = "msg_1", ago: timedelta = timedelta()) -> dict[str, str]:
    """The headers of Standard Webhooks, as its own library makes them."""
    at = datetime.now(UTC) - ago
    assert hook.secret is not None
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(hook.secret).sign(id_, at, body.decode()),
    }


def signed_by_github(hook: MadeHook, body: bytes, *, event: str = "push", id_: str = "d-1") -> dict[str, str]:
    assert hook.secret is not None
    digest = hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": id_,
        "x-hub-signature-256": f"sha256={digest}",
    }


def payload(path: str = "s3://data/today", **more: Any) -> bytes:
    return json.dumps({"data": {"path": path}, **more}).encode()


async def deliver(web: Web, hook: MadeHook, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    """As somebody who only knows the address."""
    async with web.client() as client:
        return await client.post(hook.address, content=body, headers=headers or {"content-type": "application/json"})


async def deliveries(client: httpx.AsyncClient, hook: MadeHook) -> list[dict[str, Any]]:
    """The newest first."""
    found: list[dict[str, Any]] = (await client.get(f"{hook.api}/deliveries")).json()["items"]
    return found


async def trainings(client: httpx.AsyncClient, project: str = "hello") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/api/v1/trainings?project={project}")).json()["items"]
    return found
