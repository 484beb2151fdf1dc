"""The audit log names what its entries are about, with a way there, as long as it is there."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import event

from app.domain.access import UserRole
from tests.support.pages import run
from tests.support.projects import make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web


async def entries(client: httpx.AsyncClient, **which: str) -> list[dict[str, Any]]:
    answer = await client.get("/api/v1/audit", params={"limit": "200", **which})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def post(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    made = await client.post(f"/api/v1/{path}", json=body)
    assert made.is_success, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def some_of_each(client: httpx.AsyncClient) -> dict[str, tuple[str, str]]:
    """Things of every kind: object → its name and the address of its page."""
    await make_project(client, "hello", schedule={"cron": "0 3 * * *"})
    training = await start(client)
    hook = (await post(client, "projects/hello/hooks", name="after-ingest"))["id"]
    token = (await post(client, "tokens", name="ci"))["id"]
    hidden = "https://chat.example.com/rooms/canary-94"
    webhook = (await post(client, "webhooks", url=hidden, kinds=["failed"]))["id"]
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z"}
    backfill = (await client.post("/api/v1/projects/hello/backfills", json=span)).json()["id"]
    await post(client, "storages", name="disk", kind="nfs", config={"server": "nfs.example.com", "path": "/data"})
    await post(client, "images", name="py", reference="python:3", framework="plain")
    await post(client, "registries", name="ours", host="registry.example.com", username="robot", password="x")
    return {
        "project/hello": ("hello", "/projects/hello"),
        "algorithm/hello": ("hello", "/algorithms/hello"),
        f"training/{training['id']}": (f"hello #{training['number']}", f"/trainings/{training['id']}"),
        f"hook/{hook}": ("after-ingest of hello", f"/projects/hello/hooks/{hook}"),
        f"token/{token}": ("ci of ada", "/admin/users/ada"),
        f"webhook/{webhook}": ("chat.example.com:443", f"/notices/webhooks/{webhook}"),
        f"backfill/{backfill}": ("hello", f"/backfills/{backfill}"),
        "storage/disk": ("disk", "/admin/storages/disk"),
        "image/py": ("py", "/admin/images/py"),
        "registry/ours": ("ours", "/admin/registries/ours"),
        "user/ada": ("ada", "/admin/users/ada"),
    }


async def test_what_is_there_has_its_name_and_its_page(web: Web) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as admin, logged_in(web, "bo", UserRole.ADMIN) as client:
        things = await some_of_each(admin)
        found = {entry["object"]: (entry["object_name"], entry["object_path"]) for entry in await entries(admin)}
        page = (await client.get("/admin/audit")).text
        for object_, (name, path) in things.items():
            assert found[object_] == (name, path)
            assert f'<a href="{path}">{name}</a>' in page
            assert object_.split("/")[1] in page
            assert (await client.get(path)).status_code == 200, path
        assert "canary-94" not in page


async def test_what_is_gone_keeps_its_id_alone(web: Web) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as admin, logged_in(web, "bo", UserRole.ADMIN) as client:
        await make_project(admin)
        token = (await post(admin, "tokens", name="ci"))["id"]
        assert (await admin.delete(f"/api/v1/tokens/{token}")).status_code == 204
        assert (await admin.delete("/api/v1/projects/hello", headers={"If-Match": '"1"'})).is_success
        await run(
            web,
            "INSERT INTO audit_log (id, at, actor, action, object) VALUES "
            "(gen_random_uuid(), now(), 'taas', 'audit.remove', 'audit'), "
            "(gen_random_uuid(), now(), 'taas', 'training.stop', 'training/no-id')",
        )
        for object_ in (f"token/{token}", "project/hello", "audit", "training/no-id"):
            for entry in await entries(admin, object=object_):
                assert (entry["object_name"], entry["object_path"]) == (None, None)
        page = (await client.get("/admin/audit")).text
        assert f'{token}<span class="sub">token</span>' in page
        assert 'href="/projects/hello"' not in page


async def test_a_page_asks_once_a_kind(web: Web) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as admin:
        await make_project(admin)
        counted: list[str] = []
        listen = web.context.database._engine.sync_engine
        event.listen(listen, "before_cursor_execute", lambda *args: counted.append(args[2]))

        async def asked() -> int:
            counted.clear()
            await entries(admin, action="training.start")
            # Without the hints of the starts, which are sent together some time after their commits.
            return sum("pg_notify" not in statement for statement in counted)

        await start(admin)
        one = await asked()
        for _ in range(5):
            await start(admin)
        assert await asked() == one
