"""The administration and the cluster in a real browser: nothing too wide, nobody stumbles, deleting asks first."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from app.db import cluster_nodes
from app.db.cluster_nodes import NodeRow
from app.domain.access import UserRole
from tests.support.axe import stumbling_blocks
from tests.support.browser import log_in, visit
from tests.support.pages import run, write
from tests.support.projects import make_project, start
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser

LONG = "a-name-that-nobody-would-type-but-some-program-does-in-the-end0"
GPU = "nvidia.com/gpu"
HAS = {"cpu": "16", "memory": "64Gi", "pods": "110", GPU: "4"}


async def furnished(web: Web) -> list[str]:
    """An installation in use; the addresses of its pages."""
    async with web.client_of("ada", UserRole.ADMIN) as client:
        for name, host in (
            ("ours", "registry.example.com"),
            (LONG, "a-host-with-a-long-name.registry.example.com:5000"),
        ):
            await client.post(
                "/api/v1/registries", json={"name": name, "host": host, "username": "robot", "password": "x"}
            )
        for name in ("python", LONG):
            image = {"name": name, "reference": f"registry.example.com/team/{'x' * 80}:1", "framework": "plain"}
            await client.post("/api/v1/images", json=image | {"description": "d " * 200, "is_default": name == LONG})
        nfs = {"server": "nfs.example.com", "path": "/srv/" + "x" * 60, "mount_options": ["nfsvers=4.1"]}
        await client.post("/api/v1/storages", json={"name": "shared", "kind": "nfs", "config": nfs, "is_default": True})
        await client.post("/api/v1/users", json={"name": LONG, "role": "viewer", "password": PASSWORD})
        await client.patch(f"/api/v1/users/{LONG}", json={"disabled": True})
        await make_project(client, LONG, roles={"worker": {"count": 40}}, storage=None)
        ids = [(await start(client, LONG))["id"] for _ in range(12)]
    for training in ids[:8]:
        await write(web, training, state="running", starting_at=True, namespace=f"taas-{training}")
        await run(web, "UPDATE tasks SET node = 'node-1', state = 'running' WHERE training_id = :id", id=training)
    await run(web, "UPDATE trainings SET namespace_state = 'present' WHERE state = 'running'")
    await write(web, ids[0], namespace_state="deleting", namespace_message="Some content remains: " + "word " * 40)
    await run(web, "UPDATE trainings SET message = repeat('It waits for a place. ', 8) WHERE state = 'queued'")
    used = {"cpu": "3500m", "memory": "20Gi"}
    asked = {"cpu": "12500m", "memory": "34359738368", "pods": "41", GPU: "4"}
    rows = [
        NodeRow("node-1", "yes", HAS, asked, used),
        NodeRow("node-2", "no", HAS, {}),
        NodeRow(LONG, "cordoned", HAS, {}),
    ]
    async with web.context.database.transaction() as connection:
        await cluster_nodes.replace_all(connection, rows)
    return [
        "/admin/users", f"/admin/users/{LONG}", "/admin/images", f"/admin/images/{LONG}", "/admin/new/image",
        "/admin/registries", "/admin/registries/ours", "/admin/new/registry", "/admin/storages",
        "/admin/storages/shared", "/admin/new/storage?kind=nfs", "/admin/settings", "/admin/audit",
        "/admin/audit?actor=nobody", "/cluster", "/cluster/queue", "/cluster/namespaces",
        "/cluster/namespaces?stuck=true", "/", "/projects",
    ]  # fmt: skip


@pytest.mark.parametrize(("narrow", "dark"), [(False, False), (False, True), (True, False)])
async def test_every_page_fits_and_nobody_stumbles(
    web: Web, site: str, browser: Browser, narrow: bool, dark: bool
) -> None:
    addresses = await furnished(web)
    async with visit(browser, site, narrow=narrow, dark=dark) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        blocks = []
        for address in addresses:
            await seen.page.goto(address)
            await expect(seen.page.locator("h1")).to_be_visible()
            assert await seen.overflow() <= 0, address
            if not narrow:
                blocks += [f"{address} {block}" for block in await stumbling_blocks(seen.page)]
        assert not blocks, "\n".join(blocks)


async def test_deleting_asks_first_and_names_who_uses_it(web: Web, site: str, browser: Browser) -> None:
    await furnished(web)
    async with visit(browser, site) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto("/admin/registries/ours")
        await seen.page.get_by_role("button", name="Delete").click()
        dialog = seen.page.get_by_role("dialog")
        await expect(dialog).to_contain_text(f"{LONG} pull from it")
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_be_hidden()
        await seen.page.get_by_role("button", name="Delete").click()
        await dialog.get_by_role("button", name="Delete it").click()
        await expect(seen.page.get_by_role("status")).to_contain_text("The login is forgotten")


async def test_forms_work_without_script(web: Web, site: str, browser: Browser) -> None:
    await web.person("ada", UserRole.ADMIN)
    async with visit(browser, site, script=False) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto("/admin/users")
        await seen.page.get_by_label("Name of somebody new").fill("grace")
        await seen.page.get_by_role("button", name="Make an account").click()
        await expect(seen.page.get_by_role("heading", name="The password of “grace”")).to_be_visible()
        await seen.page.goto("/admin/new/storage")
        await seen.page.get_by_role("link", name="An export of an NFS server").click()
        await seen.page.get_by_label("Name").fill("shared")
        await seen.page.get_by_label("Server").fill("nfs.example.com")
        await seen.page.get_by_label("Export").fill("srv")
        await seen.page.get_by_role("button", name="Add it").click()
        await expect(seen.page.locator("#f-config-path-wrong")).to_contain_text("absolute path")
        await seen.page.get_by_label("Export").fill("/srv")
        await seen.page.get_by_role("button", name="Add it").click()
        await expect(seen.page.get_by_role("link", name="shared")).to_be_visible()


async def test_the_cluster_keeps_itself_current(web: Web, site: str, browser: Browser) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client, visit(browser, site) as seen:
        await make_project(client)
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto("/cluster/queue")
        await expect(seen.page.get_by_text("Nobody waits")).to_be_visible()
        training = (await start(client))["id"]
        await expect(seen.page.get_by_role("link", name="hello #1")).to_be_visible()
        await write(web, training, state="running")
        await expect(seen.page.get_by_text("Nobody waits")).to_be_visible()
