"""TensorBoards in a real browser: the pages, the way in, and a hostile page behind it that gets nowhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from app.domain.access import UserRole
from app.domain.endpoints.endpoint import EndpointReason, EndpointState
from tests.support.axe import stumbling_blocks
from tests.support.browser import PATIENCE_MS, log_in, visit
from tests.support.projects import make_project, start
from tests.support.trainings import Maker
from tests.support.upstream import running_board, upstream, write
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser

# Everything a page of the endpoint's host might try against TaaS; what came of it becomes the title.
HOSTILE = """<!doctype html><title>at work</title><body><script>
const main = "MAIN", other = "OTHER", done = {};
const tried = async (name, work) => {
  try { done[name] = String(await work()); } catch (error) { done[name] = "refused"; }
};
const form = (fields) => new URLSearchParams(fields);
(async () => {
  await tried("read", async () => (await fetch(main + "/api/v1/projects", { credentials: "include" })).text());
  await tried("act", async () => (await fetch(main + "/projects/NAME/delete",
    { method: "POST", mode: "no-cors", credentials: "include", body: form({}) })).type);
  navigator.sendBeacon(main + "/projects/NAME/delete", form({}));
  await tried("cookies", async () => { if (!document.cookie) throw 1; return document.cookie; });
  for (const domain of ["localhost", ".localhost"])
    document.cookie = `taas_session=evil; domain=${domain}; path=/`;
  await tried("frame", () => new Promise((yes, no) => {
    const frame = document.createElement("iframe");
    frame.onload = () => { try { yes(frame.contentDocument.body.innerText || no()); } catch { no(); } };
    frame.onerror = no; setTimeout(no, 3000);
    frame.src = main + "/"; document.body.append(frame);
  }));
  await tried("socket", () => new Promise((yes, no) => {
    const socket = new WebSocket("ws://" + other + "/socket"); socket.onopen = () => yes("open"); socket.onerror = no;
  }));
  const posted = document.createElement("form");
  posted.method = "post"; posted.action = main + "/projects/NAME/delete"; posted.target = "sink";
  const sink = document.createElement("iframe"); sink.name = "sink"; document.body.append(sink, posted);
  posted.submit();
  setTimeout(() => { document.title = JSON.stringify(done); }, 1500);
})();
</script></body>"""


@pytest.mark.parametrize(("narrow", "dark"), [(False, False), (True, True)], ids=["wide-light", "narrow-dark"])
async def test_every_page_fits_and_nobody_stumbles(
    web: Web, site: str, browser: Browser, tmp_path: Path, narrow: bool, dark: bool
) -> None:
    board = await running_board(web, await Maker.create(web.context), "127.0.0.1:9")
    other = await running_board(web, await Maker.create(web.context), "127.0.0.1:9")
    why = f"It was not ready within 15 min: no node takes it: {'0/3 nodes are available: Insufficient memory. ' * 4}"
    await write(web, other.id, "state = 'failed', reason = 'not_ready', ended_at = now(), message = :m", m=why)
    await web.person("ben")
    async with web.client_of("ada", UserRole.ADMIN) as client:
        await _storage(client, tmp_path)
        await make_project(client, storage="disk")
        await start(client)
    async with visit(browser, site, narrow=narrow, dark=dark) as seen:
        await log_in(seen.page, "ben", PASSWORD)
        for path in (
            "/tensorboards",
            f"/tensorboards?project={board.project}",
            f"/tensorboards/{board.id}",
            f"/tensorboards/{other.id}",
            "/projects/hello/tensorboard",
            "/projects/hello",
        ):
            await seen.page.goto(path)
            await expect(seen.page.get_by_role("heading", level=1)).to_be_visible()
            assert await seen.overflow() == 0, path
            assert await stumbling_blocks(seen.page) == [], path


async def test_one_click_makes_one_and_goes_in_when_it_is_ready(
    web: Web, site: str, browser: Browser, tmp_path: Path
) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client, upstream() as program:
        program.page = "<!doctype html><title>curves</title><h1>the real thing</h1>"
        await _storage(client, tmp_path)
        await make_project(client, storage="disk")
        training = await start(client)
        async with _signed_in(web, site, browser, "ben") as page:
            await page.goto(f"{site}/trainings/{training['id']}")
            await page.get_by_role("button", name="TensorBoard").click()
            await page.wait_for_url("**/tensorboards/*")
            (board,) = (await client.get("/api/v1/tensorboards")).json()["items"]
            assert board["trainings"] == [training["id"]]
            await write(web, board["id"], "message = 'Waiting: it waits for a node.', launch = 1")
            await expect(page.get_by_text("it waits for a node")).to_be_visible()
            sets = "state = 'running', message = '', running_at = now(), addresses = CAST(:addresses AS jsonb)"
            await write(web, board["id"], sets, addresses=json.dumps({"tensorboard/http": program.address}))
            await expect(page.get_by_role("heading", name="the real thing")).to_be_visible()
            assert (urlsplit(page.url).hostname, urlsplit(page.url).path) == (urlsplit(board["url"]).hostname, "/")
            # Back at TaaS it stays there, and can be stopped.
            await page.goto(f"{site}/tensorboards/{board['id']}")
            await page.get_by_role("button", name="Stop").click()
            await page.get_by_role("button", name="Stop it").click()
            await expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
            ended = f"state = '{EndpointState.STOPPED}', reason = '{EndpointReason.STOPPED_BY_USER}', ended_at = now()"
            await write(web, board["id"], ended)
            await expect(page.get_by_role("button", name="Start again")).to_be_visible()


async def test_the_list_follows_what_becomes_of_each(web: Web, site: str, browser: Browser) -> None:
    board = await running_board(web, await Maker.create(web.context), "127.0.0.1:9")
    async with _signed_in(web, site, browser, "ben") as page:
        for address in ("/tensorboards", f"/tensorboards?project={board.project}"):
            await write(web, board.id, "state = 'running', ended_at = NULL")
            await page.goto(f"{site}{address}")
            await expect(page.locator("#tensorboard-list")).to_contain_text("Running")
            await write(web, board.id, "state = 'stopped', reason = 'idle', ended_at = now()")
            await expect(page.locator("#tensorboard-list")).to_contain_text("Stopped")


async def test_some_of_a_project_can_be_chosen(web: Web, site: str, browser: Browser, tmp_path: Path) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client:
        await _storage(client, tmp_path)
        await make_project(client, storage="disk")
        first, _, third = [await start(client) for _ in range(3)]
        async with _signed_in(web, site, browser, "ben") as page:
            await page.goto(f"{site}/projects/hello/tensorboard")
            await page.get_by_role("button", name="Show the chosen ones").click()
            await expect(page.get_by_role("alert")).to_contain_text("Choose between 1 and 100")
            await page.goto(f"{site}/projects/hello/tensorboard")
            await page.get_by_label("#1").check()
            await page.get_by_label("#3").check()
            await page.get_by_role("button", name="Show the chosen ones").click()
            await page.wait_for_url("**/tensorboards/*")
            (board,) = (await client.get("/api/v1/tensorboards")).json()["items"]
            assert board["trainings"] == [first["id"], third["id"]]


async def test_a_hostile_page_can_neither_read_nor_act(web: Web, site: str, browser: Browser) -> None:
    # By the name that is nearest to the endpoint's own.
    main = site.replace("127.0.0.1", "localhost")
    maker = await Maker.create(web.context)
    async with upstream() as program, web.client_of("ada", UserRole.ADMIN) as client:
        board = await running_board(web, maker, program.address)
        other = await running_board(web, await Maker.create(web.context), program.address)
        port = main.rpartition(":")[2]
        program.page = (
            HOSTILE.replace("MAIN", main)
            .replace("OTHER", f"{other.id.hex}.localhost:{port}")
            .replace("NAME", maker.name)
        )
        async with _signed_in(web, main, browser, "mallory", UserRole.ADMIN) as page:
            await page.goto(f"{main}/tensorboards/{board.id}/open")
            await page.wait_for_function("document.title.startsWith('{')")
            came_of_it = json.loads(await page.title())
            wanted = ("read", "act", "cookies", "frame", "socket")
            assert came_of_it == dict.fromkeys(wanted, "refused")
            # She is still who she was, and the project is still there.
            await page.goto(f"{main}/account")
            await expect(page.get_by_text("mallory").first).to_be_visible()
            assert (await client.get(f"/api/v1/projects/{maker.name}")).status_code == 200
            assert program.open_sockets == 0


@asynccontextmanager
async def _signed_in(
    web: Web, site: str, browser: Browser, name: str, role: UserRole = UserRole.MEMBER
) -> AsyncIterator[Page]:
    await web.person(name, role)
    context = await browser.new_context(base_url=site)
    context.set_default_timeout(PATIENCE_MS)
    try:
        page = await context.new_page()
        await log_in(page, name, PASSWORD)
        yield page
    finally:
        await context.close()


async def _storage(client: httpx.AsyncClient, path: Path) -> None:
    config = {"path": str(path), "node": "n", "taas_path": str(path)}
    body = {"name": "disk", "kind": "local", "config": config, "is_default": True}
    image = {"name": "tf", "reference": "registry.example.com/tf:1", "framework": "tensorflow", "is_default": True}
    for where, what in (("storages", body), ("images", image)):
        answer = await client.post(f"/api/v1/{where}", json=what)
        assert answer.status_code == 201, answer.text
