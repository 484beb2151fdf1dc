"""A hook in a real browser: made, tried in its test box, called, and found among its deliveries."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.support.axe import stumbling_blocks
from tests.support.browser import log_in, visit
from tests.support.hooks import payload
from tests.support.projects import make_project
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("narrow", "dark"), [(False, False), (True, True)])
async def test_a_hook_is_made_and_its_test_box_fired(
    browser: Browser, site: str, web: Web, narrow: bool, dark: bool
) -> None:
    async with web.client_of("mel") as client:
        await make_project(client, args=["{{ params.dataset }}"])
    async with visit(browser, site, narrow=narrow, dark=dark) as seen:
        page = seen.page
        await log_in(page, "mel", PASSWORD)
        await page.goto("/projects/hello")
        await page.get_by_text("More", exact=True).click()
        await page.get_by_role("link", name="Triggers").click()
        await page.get_by_label("Name of a new hook").fill("nightly")
        await page.get_by_label("Parameters").first.fill("dataset /data/path")
        await page.get_by_role("button", name="Make a hook").click()
        address = await page.locator("#hook-address").inner_text()
        assert address.startswith(f"{site}/hooks/hk_")
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_text("It would start")).to_be_visible()
        await page.get_by_label("Payload").fill("{}")
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_text("It would not start")).to_be_visible()
        async with httpx.AsyncClient() as sender:
            sent = await sender.post(address, content=payload(), headers={"content-type": "application/json"})
        assert sent.status_code == 202
        await page.goto(page.url.removesuffix("/test"))
        await page.locator("summary", has_text="202").click()
        await expect(page.get_by_role("link", name="The training that it started")).to_be_visible()
        assert await seen.overflow() <= 0
        assert await stumbling_blocks(page) == []
        if pictures := os.environ.get("HOOK_PICTURES"):
            await page.screenshot(path=Path(pictures) / f"hook-{narrow}.png", full_page=True)
            await page.goto("/projects/hello/triggers")
            await page.screenshot(path=Path(pictures) / f"triggers-{narrow}.png", full_page=True)
