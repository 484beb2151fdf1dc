"""The launch form in a real browser: the answer follows what is typed, and what was opened stays open."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from app.db import cluster_nodes
from app.db.cluster_nodes import NodeRow
from app.domain.access import UserRole
from tests.support.axe import stumbling_blocks
from tests.support.browser import log_in, visit
from tests.support.projects import make_project
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser

HAS = {"cpu": "4", "memory": "8Gi", "pods": "110"}


async def furnished(web: Web) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client:
        await make_project(client, args=["--lr={{ params.lr }}"])
        await make_project(client, "tf", framework="tensorflow", roles={"chief": {}, "worker": {"count": 2}})
        change = {"args": ["a", "b" * 300], "notes": "n"}
        await client.patch("/api/v1/projects/tf", json=change, headers={"If-Match": '"1"'})
    async with web.context.database.transaction() as connection:
        await cluster_nodes.replace_all(connection, [NodeRow("node-1", "yes", HAS, {"cpu": "1"})])


@pytest.mark.parametrize("narrow", [False, True])
async def test_the_answer_follows_the_form(web: Web, site: str, browser: Browser, narrow: bool) -> None:
    await furnished(web)
    async with visit(browser, site, narrow=narrow, dark=narrow) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto("/projects/hello/launch")
        answer, command = page.locator("#outlook"), page.locator("#launch-command")
        await expect(answer).to_contain_text("Not complete yet")
        await page.get_by_text("The same as curl").click()
        await page.get_by_role("textbox", name="lr").fill("0.5")
        await expect(answer).to_contain_text("Fits now")
        await expect(command).to_contain_text('"lr": "0.5"')
        await page.get_by_label("Notes").scroll_into_view_if_needed()
        await expect(answer).to_be_in_viewport()  # it stays in sight and leaves the form its room, whatever is open
        assert (await page.locator(".outlook-box").bounding_box() or {"height": 999})["height"] < 200
        await page.get_by_role("textbox", name="Tasks").fill("7")
        await expect(answer).to_contain_text("0.5 cores short")
        await expect(page.get_by_role("textbox", name="Tasks")).to_be_focused()
        await expect(command).to_be_visible()
        await page.get_by_role("textbox", name="Memory").fill("96Gi")
        await expect(answer).to_contain_text("Can never fit")
        assert await seen.overflow() <= 0
        assert await stumbling_blocks(page) == []


async def test_what_a_task_is_told_is_shown_in_place(web: Web, site: str, browser: Browser) -> None:
    await furnished(web)
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto("/projects/tf/launch")
        await page.get_by_label("Notes").fill("kept")
        await page.locator("#told-task").fill("worker-1")
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator("#told")).to_contain_text("worker-1.tasks:2222")
        await expect(page.get_by_label("Notes")).to_have_value("kept")
        assert await stumbling_blocks(page) == []
        await page.goto("/projects/tf/history")
        await expect(page.get_by_role("rowheader", name="notes")).to_be_visible()
        assert await seen.overflow() <= 0
        assert await stumbling_blocks(page) == []


@pytest.mark.parametrize("narrow", [False, True])
async def test_parameters_are_declared_and_then_asked_for(web: Web, site: str, browser: Browser, narrow: bool) -> None:
    await furnished(web)
    async with visit(browser, site, narrow=narrow, dark=narrow) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto("/projects/hello/edit")
        first = page.get_by_role("group", name="A further parameter")
        await expect(first.get_by_label("At least")).to_be_hidden()
        await first.get_by_label("Name").fill("lr")
        await first.get_by_label("Type").select_option("number")
        await first.get_by_label("At least").fill("0.001")
        await first.get_by_label("At most").fill("1")
        await first.get_by_label("Default").fill("0.01")
        await first.get_by_label("What it is").fill("How far each step goes.")
        await page.get_by_role("button", name="Parameter", exact=True).click()
        second = page.get_by_role("group", name="A further parameter").nth(1)
        await second.get_by_label("Name").fill("optimizer")
        await second.get_by_label("Type").select_option("choice")
        await second.get_by_label("Choices").fill("adam, sgd")
        assert await seen.overflow() <= 0
        assert await stumbling_blocks(page) == []
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("a number from 0.001 to 1; 0.01 when not given")).to_be_visible()

        await page.goto("/projects/hello/launch")
        await expect(page.locator("#outlook")).to_contain_text("Fits now")
        await page.get_by_role("textbox", name="lr").fill("7")
        await expect(page.locator("#outlook")).to_contain_text("lr must be a number from 0.001 to 1; '7' is not.")
        await page.get_by_role("combobox", name="optimizer").select_option("sgd")
        assert await seen.overflow() <= 0
        assert await stumbling_blocks(page) == []
        await page.get_by_role("button", name="Start", exact=True).click()
        await expect(page.get_by_role("textbox", name="lr")).to_have_attribute("aria-invalid", "true")
        await page.get_by_role("textbox", name="lr").fill("0.5")
        await page.get_by_role("button", name="Start", exact=True).click()
        await expect(page.get_by_role("heading", name="Parameters")).to_be_visible()
        await expect(page.get_by_text("sgd", exact=True)).to_be_visible()


async def test_a_text_is_given_empty_by_a_box(web: Web, site: str, browser: Browser) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as client:
        await make_project(client, params={"suffix": {"default": "-base"}})
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto("/projects/hello/launch")
        await page.get_by_text("The same as curl").click()
        field, box = page.get_by_role("textbox", name="suffix"), page.get_by_label("Empty, not the default")
        await expect(field).to_have_value("-base")
        await box.check()
        await expect(field).to_have_value("")
        await expect(page.locator("#launch-command")).to_contain_text('"suffix": ""')
        await field.fill("x")
        await expect(box).not_to_be_checked()
        await expect(page.locator("#launch-command")).to_contain_text('"suffix": "x"')
        assert await stumbling_blocks(page) == []
