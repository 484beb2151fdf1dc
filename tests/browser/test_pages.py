"""Every page in a real browser: nothing blocked by the policy, nothing wider than the window, in light and dark."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import Browser, expect

from app.domain.access import UserRole
from app.domain.training import LogVerdict, Reason, State
from tests.support.axe import stumbling_blocks
from tests.support.browser import Visit, log_in, visit
from tests.support.pages import run, write
from tests.support.projects import make_project, start
from tests.support.web import PASSWORD, Web
from tests.support.written_logs import judge, say, try_of

pytestmark = pytest.mark.browser

LONG = "a-name-that-nobody-would-type-but-some-program-does-in-the-end0"
OUTPUT = b"\x1b[32mepoch 1\x1b[0m <script>alert(1)</script>\n" + b"x" * 3000 + b"\n"


async def furnished(web: Web) -> list[str]:
    """An installation in use; the addresses of its pages."""
    async with web.client_of("ada", UserRole.ADMIN) as client:
        await make_project(client, roles={"worker": {"count": 60}}, args=["x" * 500], env={"A": "y" * 500}, tags=["t"])
        second = {"files": ("run.sh", b"#!/bin/bash\necho " + b"x" * 600 + b"\n")}
        assert (await client.post("/api/v1/algorithms/hello/versions", files=second)).status_code == 201
        await make_project(client, LONG, notes="n" * 400)
        await make_project(client, "timed", schedule={"cron": "*/10 * * * *", "timezone": "Europe/Berlin"})
        running, failed = await start(client), await start(client, notes="why")
        await start(client, LONG)
        made = {"name": LONG, "signing": "standard", "rules": [{"param": "p", "path": "/" + "x" * 200}]}
        incoming = (await client.post("/api/v1/projects/timed/hooks", json=made)).json()
        await client.post(f"/hooks/{incoming['url'].rpartition('/')[2]}", content=b"{" + b"y" * 3000)
        await client.post("/api/v1/projects/hello/follows", json={"upstream": "timed"})
        wanted = {"from": "2025-03-03T00:00:00Z", "to": "2025-03-04T00:00:00Z"}
        backfill = (await client.post("/api/v1/projects/timed/backfills", json=wanted)).json()["id"]
    await write(web, running["id"], state=State.RUNNING, starting_at=True, started_at=True, tasks_running=60)
    await run(web, "UPDATE tasks SET state = 'running', started_at = now(), message = repeat('word ', 60)")
    await write(
        web, failed["id"], state=State.FAILED, reason=Reason.OUT_OF_MEMORY, message="z" * 300, namespace_state="gone"
    )
    for one in (running, failed):
        attempt = await try_of(web.context.database, UUID(one["id"]), "worker")
        await say(web.context.database, attempt, OUTPUT)
    await judge(web.context.database, attempt, LogVerdict.INCOMPLETE, 7)
    hook = await notified(web)
    records = [
        f"/trainings/{one['id']}{tab}" for one in (running, failed) for tab in ("", "/logs", "/events", "/manifests")
    ]
    return [
        "/", "/trainings", "/trainings?state=running", "/projects", "/projects/hello", f"/projects/{LONG}",
        "/projects/hello/edit", "/projects/hello/launch", f"/projects/hello/launch?like={running['id']}",
        "/projects/hello/history", "/search?q=hel", "/algorithms/hello/compare/1...2", "/?all=true",
        "/new/project", "/algorithms", "/algorithms/hello",
        "/algorithms/hello/versions/1", "/algorithms/hello/versions/new", "/new/algorithm", "/account", "/nothing",
        "/projects/timed",
        "/projects/timed/edit", "/projects/timed/launch", "/projects/timed/due-times", "/projects/timed/backfills",
        "/projects/timed/triggers", f"/projects/timed/hooks/{incoming['id']}", "/projects/hello/triggers",
        f"/backfills/{backfill}", "/calendar", "/calendar?view=day",
        "/notices", "/notices?project=hello", hook,
        *records,
    ]  # fmt: skip


async def notified(web: Web) -> str:
    """The address of a webhook's page, with deliveries that went well and badly."""
    async with web.client_of("bo", UserRole.ADMIN) as client:
        body = {"url": "https://example.com/" + "x" * 300, "kinds": ["failed"], "everything": True, "description": LONG}
        hook = (await client.post("/api/v1/webhooks", json=body)).json()["id"]
        for _ in range(3):
            await client.post(f"/api/v1/webhooks/{hook}/test")
    await run(web, "UPDATE deliveries SET tries = 1, tried_at = now(), status = 500, problem = repeat('word ', 40)")
    await run(
        web,
        "UPDATE deliveries SET state = 'failed', answer = repeat('y', 900) "
        "WHERE notice_id = (SELECT min(notice_id::text)::uuid FROM deliveries)",
    )
    return f"/notices/webhooks/{hook}"


@pytest.mark.parametrize(("narrow", "dark"), [(False, False), (False, True), (True, False)])
async def test_every_page_fits_and_nothing_is_blocked(
    web: Web, site: str, browser: Browser, narrow: bool, dark: bool
) -> None:
    addresses = await furnished(web)
    async with visit(browser, site, narrow=narrow, dark=dark) as seen:
        await seen.page.goto("/login")
        blocks = [] if narrow else [f"/login {block}" for block in await stumbling_blocks(seen.page)]
        await log_in(seen.page, "ada", PASSWORD)
        for address in addresses:
            await seen.page.goto(address)
            await expect(seen.page.locator("h1")).to_be_visible()
            assert await seen.overflow() <= 0, address
            await every_control_has_a_name(seen, address)
            if not narrow:  # what is narrow is the same, and looking takes its time
                blocks += [f"{address} {block}" for block in await stumbling_blocks(seen.page)]
        assert not blocks, "\n".join(blocks)
        background = await seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, background[4:-1].split(", "))) < 200) is dark


async def test_what_roles_are_given_is_seen_whole_on_a_narrow_page(web: Web, site: str, browser: Browser) -> None:
    given = {"cpu": "1500m", "cpu_limit": "2500m", "memory": "1536Mi", "gpu": 8}
    roles = {role: {"count": 1, "resources": given} for role in ("chief", "worker", "ps", "evaluator")}
    async with web.client_of("ada", UserRole.ADMIN) as client:
        await make_project(client, framework="tensorflow", roles=roles)
        training = (await start(client))["id"]
    async with visit(browser, site, narrow=True) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        for address in ("/projects/hello", f"/trainings/{training}"):
            await seen.page.goto(address)
            box = seen.page.get_by_role("group", name="What each role is given")
            await expect(box.get_by_role("columnheader", name="GPU")).to_be_visible()
            assert await box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0, address


async def test_the_theme_can_be_chosen_and_stays(web: Web, site: str, browser: Browser) -> None:
    await web.person("ada")
    async with visit(browser, site, dark=True) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        page = seen.page.locator("html")
        await expect(page).to_have_attribute("data-bs-theme", "dark")
        await seen.page.get_by_role("button", name="Theme: as the system").click()
        await expect(page).to_have_attribute("data-bs-theme", "light")
        await seen.page.goto("/projects")
        await expect(page).to_have_attribute("data-bs-theme", "light")
        await seen.page.get_by_role("button", name="Theme: light").click()
        await expect(page).to_have_attribute("data-bs-theme", "dark")


async def test_a_narrow_page_has_its_menu_and_a_keyboard_reaches_everything(
    web: Web, site: str, browser: Browser
) -> None:
    await furnished(web)
    async with visit(browser, site, narrow=True) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        algorithms = seen.page.get_by_role("link", name="Algorithms")
        await expect(algorithms).to_be_hidden()
        await seen.page.get_by_role("button", name="Menu").focus()
        await seen.page.keyboard.press("Enter")
        await algorithms.focus()
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url("**/algorithms")
        await seen.page.keyboard.press("Tab")
        await expect(seen.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await seen.page.get_by_role("link", name="hello").focus()
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url("**/algorithms/hello")


async def test_a_dialog_asks_before_anything_goes(web: Web, site: str, browser: Browser) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client:
        await make_project(client)
    async with visit(browser, site) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto("/projects/hello")
        await seen.page.get_by_text("More", exact=True).click()
        await seen.page.get_by_role("button", name="Delete").click()
        dialog = seen.page.get_by_role("dialog", name="Delete hello?")
        await expect(dialog).to_be_visible()
        await seen.page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await seen.page.get_by_text("More", exact=True).click()
        await seen.page.get_by_role("button", name="Delete").click()
        await dialog.get_by_role("button", name="Delete it").click()
        await seen.page.wait_for_url("**/projects")
        await expect(seen.page.get_by_text("No projects yet")).to_be_visible()


@pytest.mark.parametrize("narrow", [False, True])
async def test_the_rarer_actions_are_in_a_menu_that_a_keyboard_opens(
    web: Web, site: str, browser: Browser, narrow: bool
) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client:
        await make_project(client)
    async with visit(browser, site, narrow=narrow, dark=narrow) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto("/projects/hello")
        more, triggers = page.get_by_text("More", exact=True), page.get_by_role("link", name="Triggers")
        await expect(triggers).to_be_hidden()
        await more.focus()
        await page.keyboard.press("Enter")
        await expect(triggers).to_be_visible()
        assert await seen.overflow() <= 0
        assert await stumbling_blocks(page) == []
        await page.keyboard.press("Tab")
        await expect(triggers).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(triggers).to_be_hidden()
        await expect(more).to_be_focused()
        await more.click()
        await page.get_by_role("heading", level=1).click()
        await expect(triggers).to_be_hidden()
        await more.click()
        await page.get_by_role("button", name="Clone").click()
        await expect(page.get_by_role("dialog", name="Clone hello")).to_be_visible()
        await expect(triggers).to_be_hidden()


async def test_forms_work_without_script(web: Web, site: str, browser: Browser, tmp_path: Path) -> None:
    await web.person("ada")
    script = tmp_path / "run.sh"
    script.write_text("#!/usr/bin/env bash\necho hello\n")
    async with web.client_of("mel") as client:
        await make_project(client)
    async with visit(browser, site, script=False) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto("/new/project?algorithm=hello")
        await seen.page.get_by_label("Name", exact=True).first.fill("plainly")
        await seen.page.get_by_label("Framework").select_option("plain")
        await seen.page.get_by_label("Image").fill("python:3")
        await seen.page.get_by_role("button", name="Make the project").click()
        await seen.page.wait_for_url("**/projects/plainly?done=made")
        await seen.page.get_by_role("button", name="Start", exact=True).click()
        await seen.page.wait_for_url("**/trainings/*")
        await expect(seen.page.get_by_role("heading", name="plainly #1")).to_be_visible()


async def every_control_has_a_name(seen: Visit, address: str) -> None:
    nameless = await seen.page.evaluate(
        """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")]
             .filter((one) => one.checkVisibility({ visibilityProperty: true }))
             .filter((one) => !(one.ariaLabel || one.labels?.length || one.textContent.trim() || one.title))
             .map((one) => one.outerHTML.slice(0, 200))"""
    )
    assert nameless == [], address
