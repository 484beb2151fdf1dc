"""A long log in a real browser: looked through, opened at a line, read on from there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, Route, expect

from app.domain.training import LogVerdict, Reason, State
from tests.support.browser import log_in, visit
from tests.support.pages import write
from tests.support.projects import make_project, start
from tests.support.scrolling import scroll
from tests.support.web import PASSWORD, Web
from tests.support.written_logs import judge, say, try_of

pytestmark = pytest.mark.browser


async def with_log(web: Web, lines: int) -> UUID:
    async with web.client_of("ada") as client:
        await make_project(client, roles={"worker": {"count": 2}})
        training_id = UUID((await start(client))["id"])
    attempt = await try_of(web.context.database, training_id, "worker")
    for begin in range(0, lines, 1000):
        said = [b"WARNING: line %d\n" % n if n % 1000 == 777 else b"line %d\n" % n for n in range(begin, begin + 1000)]
        await say(web.context.database, attempt, b"".join(said), at=begin / 1000)
    await judge(web.context.database, attempt, LogVerdict.VERIFIED)
    await write(
        web, str(training_id), state=State.SUCCEEDED, reason=Reason.COMPLETED, namespace_state="gone", finished_at=True
    )
    return training_id


async def in_sight(page: Page, selector: str) -> None:
    """Until the element is within the log's window."""
    await page.wait_for_function(
        """(selector) => {
          const box = document.getElementById("log").getBoundingClientRect();
          const line = document.querySelector(selector)?.getBoundingClientRect();
          return line && line.top >= box.top && line.bottom <= box.bottom;
        }""",
        arg=selector,
    )


@asynccontextmanager
async def in_the_middle(web: Web, site: str, browser: Browser) -> AsyncIterator[Page]:
    """A log of 5,000 lines, opened at line 2,500: lines 2,200 to 3,199 are here."""
    training_id = await with_log(web, 5_000)
    async with visit(browser, site) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto(f"/trainings/{training_id}/logs?task=worker-0&attempt=1&line=2500#L2500")
        await in_sight(seen.page, "#L2500")
        yield seen.page


async def test_what_was_found_opens_where_it_is(web: Web, site: str, browser: Browser) -> None:
    training_id = await with_log(web, 20_000)
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto(f"/trainings/{training_id}/logs")
        await expect(page.locator("#log")).to_contain_text("line 19999")
        await page.get_by_role("searchbox").fill("warning: line 9777$")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="worker-0 : 9778").click()
        await page.wait_for_url(re.compile("line=9778#L9778$"))
        await in_sight(page, "#L9778")
        await expect(page.locator("#L9778")).to_contain_text("WARNING: line 9777")
        await page.get_by_role("link", name="Later lines").click()
        await expect(page.locator("#L11477")).to_be_attached()
        await page.get_by_role("link", name="Earlier lines").click()
        await expect(page.locator("#L9000")).to_be_attached()
        await numbered(page)
        assert await page.evaluate("window.find('line 9000')")
        await page.get_by_label("Show").select_option("warning")
        await page.wait_for_url("**level=warning*")
        await expect(page.locator("#L9779")).to_be_hidden()
        await expect(page.locator("#L9778")).to_be_visible()
        assert await seen.overflow() <= 0


async def test_whoever_scrolls_on_is_given_more_lines(web: Web, site: str, browser: Browser) -> None:
    async with in_the_middle(web, site, browser) as page:
        assert await page.locator("#L3200").count() == 0
        await scroll(page, "End")
        await expect(page.locator("#L4199")).to_be_attached()
        await scroll(page, "Home")
        await expect(page.locator("#L1200")).to_be_attached()
        await in_sight(page, "#L2200")  # it stays where it was when lines came above it
        await numbered(page)


async def test_whoever_turns_around_while_lines_are_on_their_way_is_given_both(
    web: Web, site: str, browser: Browser
) -> None:
    async with in_the_middle(web, site, browser) as page:
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def late(route: Route) -> None:
            asked.set()
            await go_on.wait()
            await route.continue_()

        await page.route(re.compile("after="), late)
        await scroll(page, "End")
        await asyncio.wait_for(asked.wait(), 10)
        await scroll(page, "Home")
        await in_sight(page, "#L2200")
        assert await page.locator("#L1200").count() == 0
        go_on.set()
        await expect(page.locator("#L4199")).to_be_attached()
        await expect(page.locator("#L1200")).to_be_attached()
        await numbered(page)


async def numbered(page: Page) -> None:
    """The lines that are here follow one another without a hole, and none is here twice."""
    numbers = await page.locator("#log .l").evaluate_all("lines => lines.map((line) => Number(line.dataset.n))")
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


async def test_a_lines_number_is_the_way_to_its_address(web: Web, site: str, browser: Browser) -> None:
    training_id = await with_log(web, 1_000)
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto(f"/trainings/{training_id}/logs")
        last = page.locator("#log .l").last
        await expect(last).to_contain_text("line 999")
        await last.click(position={"x": 6, "y": 6})
        await page.wait_for_url(f"**/trainings/{training_id}/logs?task=worker-0&attempt=1&line=1000#L1000")
        await page.reload()
        await in_sight(page, "#L1000")
        await page.evaluate("getSelection().selectAllChildren(document.querySelector('#L1000'))")
        assert (await page.evaluate("getSelection().toString()")).strip().endswith("line 999")


async def test_a_search_fits_a_telephone_and_says_what_is_wrong(web: Web, site: str, browser: Browser) -> None:
    training_id = await with_log(web, 1_000)
    async with visit(browser, site, narrow=True, dark=True) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto(f"/trainings/{training_id}/logs")
        await page.get_by_role("searchbox").click()
        await page.keyboard.type("(")  # into the log's box: the one of the whole site stays away
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator(".wrong")).to_contain_text("not a regular expression")
        await expect(page.get_by_role("searchbox")).to_have_value("(")
        assert await seen.overflow() <= 0
        await page.get_by_role("searchbox").fill("line 5")
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator(".finds li").first).to_contain_text("line 5")
        assert await seen.overflow() <= 0
