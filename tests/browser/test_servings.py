"""Servings in a real browser: the form, the page while a model comes up and answers, and nobody who stumbles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from app.domain.access import UserRole
from tests.support.axe import stumbling_blocks
from tests.support.browser import Visit, log_in, visit
from tests.support.served_models import furnish, model, project_on, running, trained
from tests.support.trainings import Maker
from tests.support.upstream import running_board, write
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser

WHY = f"It was not ready within 15 min: no node takes it: {'0/3 nodes are available: Insufficient memory. ' * 4}"


async def served_before(web: Web, client: httpx.AsyncClient, disk: Path, port: int) -> list[str]:
    """Ids of servings: one that runs with a canary, one that never came up, one that was stopped."""
    await furnish(client, disk)
    await project_on(web, client, disk)
    first, second = await trained(web, client, disk, "export"), await trained(web, client, disk, "export")
    ids = []
    for name in ("hello", "x" * 63, "gone"):
        made = await client.post("/api/v1/servings", json={"training": first["id"], "name": name})
        assert made.status_code == 202, made.text
        ids.append(made.json()["id"])
    runs, fails, stops = ids
    await client.post(f"/api/v1/servings/{runs}/versions", json={"training": second["id"]})
    await client.put(f"/api/v1/servings/{runs}/canary", json={"version": 1, "percent": 20})
    await client.patch(f"/api/v1/servings/{runs}", json={"promotion": {"metric": "accuracy", "least_gain": 0.01}})
    await running(web, runs, port)
    await write(web, fails, "state = 'failed', reason = 'not_ready', ended_at = now(), message = :why", why=WHY)
    await client.delete(f"/api/v1/servings/{stops}")
    await write(web, stops, "state = 'stopped', reason = 'stopped_by_user', ended_at = now(), namespace_state = 'gone'")
    return ids


@pytest.mark.parametrize(
    ("narrow", "dark"), [(False, False), (False, True), (True, False)], ids=["light", "dark", "narrow"]
)
async def test_every_page_fits_and_nobody_stumbles(
    web: Web, site: str, browser: Browser, tmp_path: Path, narrow: bool, dark: bool
) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client:
        with model() as server:
            async with visit(browser, site, narrow=narrow, dark=dark) as seen:
                await log_in(seen.page, "ada", PASSWORD)
                await looked_at(seen, "/servings", "/tensorboards", "/new/serving")  # before there is any
                ids = await served_before(web, client, tmp_path / "disk", server.server_port)
                await running_board(web, await Maker.create(web.context), "127.0.0.1:9")
                for path in ("/servings", "/servings?project=hello", "/tensorboards", "/new/serving?project=hello"):
                    await looked_at(seen, path)
                await looked_at(seen, *(f"/servings/{one}" for one in ids))
                await seen.page.goto(f"/servings/{ids[0]}")
                await expect(seen.page.locator("#traffic")).to_contain_text("75 %")
                await seen.page.get_by_role("button", name="Predict").click()
                await expect(seen.page.locator("#answer")).to_contain_text("Answered")
                await looked_at(seen)


async def test_the_list_follows_what_becomes_of_each(web: Web, site: str, browser: Browser, tmp_path: Path) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client, visit(browser, site) as seen:
        with model() as server:
            ids = await served_before(web, client, tmp_path / "disk", server.server_port)
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto("/servings?project=hello")
        await expect(seen.page.locator("#serving-list")).to_contain_text("Running")
        await write(web, ids[0], "message = 'Version 3 waits: no node takes it.'")
        await expect(seen.page.locator("#serving-list")).to_contain_text("no node takes it")


async def looked_at(seen: Visit, *paths: str) -> None:
    """Nothing is wider than the window and axe has nothing to say: of these pages, or of what is shown now."""
    for path in paths or ("",):
        if path:
            await seen.page.goto(path)
        await expect(seen.page.get_by_role("heading", level=1)).to_be_visible()
        assert await seen.overflow() <= 0, path
        assert await stumbling_blocks(seen.page) == [], path


async def test_a_model_is_served_by_a_form_and_tried_once_it_runs(
    web: Web, site: str, browser: Browser, tmp_path: Path
) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client:
        await furnish(client, tmp_path / "disk")
        await project_on(web, client, tmp_path / "disk")
        training = await trained(web, client, tmp_path / "disk", "export")
        with model() as server:
            async with visit(browser, site) as seen:
                page = seen.page
                await log_in(page, "ada", PASSWORD)
                await page.goto("/servings")
                await page.get_by_role("link", name="New serving").click()
                await page.get_by_label("Training").select_option("hello #1")
                await page.get_by_label("Name").fill("digits")
                await page.get_by_label("Memory").fill("much")
                await page.get_by_role("button", name="Serve").click()
                await expect(page.locator("#f-memory-wrong")).to_be_visible()
                await expect(page.get_by_label("Name")).to_have_value("digits")
                await expect(page.get_by_label("Training")).to_have_value(training["id"])
                await page.get_by_label("Memory").fill("2Gi")
                await page.get_by_role("button", name="Serve").click()
                await page.wait_for_url("**/servings/*-*")
                serving_id = page.url.rpartition("/")[2]

                head, tried = page.locator("#serving"), page.locator("#try")
                await expect(head.locator(".state.big")).to_have_text("Starting")
                await expect(page.locator("#traffic")).to_contain_text("it can be asked once it runs")
                await expect(tried).to_contain_text("it can be asked once it runs")
                await running(web, serving_id, server.server_port)
                await write(web, serving_id, "ready = 4, replicas = 4")
                await expect(head.locator(".state.big")).to_have_text("Running")
                await expect(head).to_contain_text(":8501/v1/models/digits:predict")
                await expect(page.locator("#traffic")).to_contain_text("75 %")

                request = page.get_by_role("textbox", name="Request", exact=True)
                await expect(request).to_have_value('{"instances": [[0.5, 0.5]]}')
                await request.fill('{"instances": [[1, 2]]}')
                await page.get_by_role("button", name="Predict").click()
                await expect(page.locator("#answer")).to_contain_text("HTTP 200")
                await expect(page.locator("#answer")).to_contain_text('"<b>3"')  # a model's answer stays text
                await request.fill("[1")
                await page.get_by_role("button", name="Predict").click()
                await expect(page.locator("#answer")).to_contain_text("This is not a request")
                await page.goto("/servings")
                row = page.get_by_role("row", name="digits")
                await expect(row).to_contain_text("Running")
                await expect(row).to_contain_text("hello #1")


async def test_a_serving_that_cannot_be_asked_says_so(web: Web, site: str, browser: Browser, tmp_path: Path) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client:
        with model() as server:
            ids = await served_before(web, client, tmp_path / "disk", server.server_port)
            async with visit(browser, site) as seen:
                page = seen.page
                await log_in(page, "ada", PASSWORD)
                await page.goto(f"/servings/{ids[0]}")
                await expect(page.get_by_role("button", name="Predict")).to_be_visible()
                server.shutdown()
                server.server_close()
                await page.get_by_role("button", name="Predict").click()
                await expect(page.locator("#answer")).to_contain_text("TaaS cannot reach the serving just now")
                await expect(page.locator("#traffic")).to_contain_text("cannot reach")

                await page.get_by_role("button", name="End the canary").click()
                await expect(page.get_by_role("button", name="Roll back to 1")).to_be_visible()
                await page.get_by_role("button", name="Stop", exact=True).click()
                await page.get_by_role("button", name="Stop serving").click()
                await expect(page.locator("#serving")).to_contain_text("A stop was asked for by ada")
                await expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
                await page.goto(f"/servings/{ids[1]}")
                await expect(page.get_by_role("button", name="Start again")).to_be_visible()
                await expect(page.locator("#serving")).to_contain_text("Insufficient memory")
                wanted: dict[str, Any] = (await client.get(f"/api/v1/servings/{ids[0]}")).json()
                assert wanted["canary"] is None
