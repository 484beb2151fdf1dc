"""The search box by keyboard alone, from any page."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.axe import stumbling_blocks
from tests.support.browser import log_in, visit
from tests.support.projects import make_project, start
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("dark", [False, True])
async def test_a_keyboard_finds_and_opens(web: Web, site: str, browser: Browser, dark: bool) -> None:
    async with web.client_of("ada") as client:
        await make_project(client, "digits")
        await make_project(client, "digits-nightly")
        await start(client, "digits")
    async with visit(browser, site, dark=dark) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto("/projects")
        box, hits = page.get_by_role("dialog", name="Search"), page.locator("#search-hits a")
        await page.keyboard.press("/")
        await expect(box).to_be_visible()
        await page.keyboard.type("dig")
        await expect(hits).to_have_count(2)
        assert await stumbling_blocks(page) == []
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await expect(hits.nth(1)).to_be_focused()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/projects/digits-nightly")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("digits-nightly")
        await page.keyboard.press("Control+k")
        await expect(box).to_be_visible()
        await page.keyboard.type("digits 1")
        await expect(hits.first).to_contain_text("digits #1")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/trainings/*")
        await page.keyboard.press("/")
        await page.keyboard.press("Escape")
        await expect(box).to_be_hidden()


async def test_a_slash_that_is_typed_stays_a_slash_and_a_finger_finds_too(
    web: Web, site: str, browser: Browser
) -> None:
    async with web.client_of("ada") as client:
        await make_project(client, "digits")
    async with visit(browser, site, narrow=True) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto("/trainings")
        await page.locator("#q-project").press_sequentially("a/b")
        await expect(page.locator("#q-project")).to_have_value("a/b")
        await expect(page.get_by_role("dialog", name="Search")).to_be_hidden()
        await page.get_by_role("button", name="Menu").click()
        await page.get_by_role("link", name="Search").click()
        await page.locator("#search-q").fill("dig")
        await expect(page.locator("#search-hits a")).to_have_count(1)
        assert await seen.overflow() <= 0
    async with visit(browser, site, script=False) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.get_by_role("link", name="Search").click()
        await seen.page.locator("#q").fill("dig")
        await seen.page.get_by_role("button", name="Search").click()
        await expect(seen.page.locator(".hits a")).to_have_count(1)
