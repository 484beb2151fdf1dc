"""What happens while a person looks: states that change, lines that come, a log that is followed or not."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, Route, expect

from app.domain.access import UserRole
from app.domain.training import LogVerdict, Reason, State
from tests.support.axe import stumbling_blocks
from tests.support.browser import log_in, visit
from tests.support.pages import run, write
from tests.support.projects import make_project, start
from tests.support.scrolling import scroll
from tests.support.web import PASSWORD, Web
from tests.support.written_logs import judge, say, try_of

pytestmark = pytest.mark.browser


async def running(web: Web) -> UUID:
    async with web.client_of("ada") as client:
        await make_project(client, roles={"worker": {"count": 2}})
        training_id = UUID((await start(client))["id"])
    await write(web, str(training_id), state=State.RUNNING, starting_at=True, started_at=True, tasks_running=2)
    return training_id


async def test_a_record_follows_its_training_and_keeps_the_focus(web: Web, site: str, browser: Browser) -> None:
    training_id = await running(web)
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto(f"/trainings/{training_id}")
        head = page.locator("#training-head")
        await expect(head.locator(".state.big")).to_have_text("Running")
        link = page.locator("#task-worker-1 a")
        await link.focus()
        await run(
            web, "UPDATE tasks SET state = 'failed', exit_code = 3, message = 'It said <b>no</b>.' WHERE index = 0"
        )
        await write(web, str(training_id), tasks_running=1, tasks_failed=1)
        await expect(page.locator("#task-worker-0")).to_contain_text("It said <b>no</b>.")
        await expect(page.locator("#task-worker-0 .state")).to_have_text("Failed")
        await expect(link).to_be_focused()
        await page.get_by_role("button", name="Stop").click()
        dialog = page.get_by_role("dialog")
        await write(web, str(training_id), message="Still there.")
        await expect(head).to_contain_text("Still there.")
        await expect(dialog).to_be_visible()
        await dialog.get_by_role("button", name="Stop the training").click()
        await expect(head).to_contain_text("A stop was asked for by ada")
        await write(web, str(training_id), state=State.STOPPED, reason=Reason.STOPPED_BY_USER, namespace_state="gone")
        await expect(head.locator(".state.big")).to_have_text("Stopped")
        await expect(page.get_by_role("button", name="Run again")).to_be_visible()


async def test_the_first_page_and_the_projects_page_follow_too(web: Web, site: str, browser: Browser) -> None:
    training_id = await running(web)
    async with visit(browser, site) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await expect(seen.page.locator(f"[data-training='{training_id}'] .state")).to_have_text("Running")
        await write(web, str(training_id), state=State.FAILED, reason=Reason.TASK_FAILED, message="worker-0 failed.")
        await expect(seen.page.locator(f"[data-training='{training_id}']")).to_contain_text("worker-0 failed.")
        await seen.page.goto("/projects/hello")
        await write(web, str(training_id), state=State.RUNNING)
        await expect(seen.page.locator(f"[data-training='{training_id}'] .state")).to_have_text("Running")


async def test_lists_follow_too_within_their_filters(web: Web, site: str, browser: Browser) -> None:
    training_id = await running(web)
    async with web.client_of("root", UserRole.ADMIN) as client, visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        row = page.locator(f"[data-training='{training_id}']")
        await page.goto("/trainings?state=running")
        await expect(row).to_contain_text("Running")
        await write(web, str(training_id), state=State.STOPPED, reason=Reason.STOPPED_BY_USER)
        await expect(page.locator("#training-list")).to_contain_text("None match")
        await page.goto("/trainings?project=hello")
        await expect(row).to_contain_text("Stopped")
        second = await start(client)
        await expect(page.locator(f"[data-training='{second['id']}']")).to_contain_text("#2")
        await page.goto("/projects")
        await expect(page.locator("#project-list")).to_contain_text("Queued")
        await write(web, second["id"], state=State.RUNNING)
        await expect(page.locator("#project-list")).to_contain_text("Running")
        await page.goto("/calendar")
        await expect(page.locator("#calendar-days")).to_contain_text("hello #2")
        await start(client)
        await expect(page.locator("#calendar-days")).to_contain_text("hello #3")


async def test_a_log_is_followed_until_the_reader_scrolls_away(web: Web, site: str, browser: Browser) -> None:
    training_id = await running(web)
    database = web.context.database
    attempt = await try_of(database, training_id, "worker")
    await say(database, attempt, lines(0, 3000))
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto(f"/trainings/{training_id}/logs")
        follow = page.get_by_role("button", name="Follow")
        await expect(page.locator("#log")).to_contain_text("line 2999")
        await at_end(page)
        await say(database, attempt, lines(3000, 3100))
        await expect(page.locator("#log")).to_contain_text("line 3099")
        await at_end(page)

        await page.locator("#log").hover()
        await page.mouse.wheel(0, -2000)
        await expect(follow).to_have_attribute("aria-pressed", "false")
        place = await page.evaluate("document.getElementById('log').scrollTop")
        await say(database, attempt, lines(3100, 3200))
        await expect(page.locator("#log")).to_contain_text("line 3199")
        assert abs(await page.evaluate("document.getElementById('log').scrollTop") - place) < 5
        await page.get_by_role("button", name="To the newest line").click()
        await expect(follow).to_have_attribute("aria-pressed", "true")
        await at_end(page)

        shown = page.locator("#log .l")
        await scroll(page, "Home")  # what came before the backlog is fetched on the way
        await expect(shown).not_to_have_count(1200)
        if await shown.count() < 3200:
            await scroll(page, "Home")
        await expect(shown).to_have_count(3200)
        assert await page.evaluate("window.find('line 17')")  # the browser's own search sees every line
        await page.evaluate("getSelection().selectAllChildren(document.getElementById('log'))")
        assert (await page.evaluate("getSelection().toString()")).count("worker-0 line") == 3200  # copying, too
        assert await page.locator("#log pre").count() == 7


async def test_lines_are_shown_as_a_terminal_would_and_stay_text(web: Web, site: str, browser: Browser) -> None:
    training_id = await running(web)
    database = web.context.database
    first, second = await try_of(database, training_id, "worker"), await try_of(database, training_id, "worker", 1)
    await say(database, first, b"\x1b[31mred\x1b[0m <img src=x onerror=alert(1)>\n", at=1)
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto(f"/trainings/{training_id}/logs")
        await expect(page.locator("#log .af-1")).to_have_text("red")
        await say(database, second, b" 10%\r 50%\r100% done\n", at=2)
        await expect(page.locator("#log")).to_contain_text("worker-1 100% done")
        await expect(page.locator("#log")).not_to_contain_text("50%")
        assert await page.locator("#log img").count() == 0
        await expect(page.locator("#log time").first).to_be_hidden()
        await page.get_by_role("button", name="Times").click()
        await expect(page.locator("#log time").first).to_be_visible()
        await page.get_by_label("Task").select_option("worker-1")
        await page.wait_for_url("**/logs?task=worker-1*")
        await expect(page.locator("#log")).to_contain_text("100% done")
        await expect(page.locator("#log")).not_to_contain_text("red")
        await judge(database, second, LogVerdict.VERIFIED)
        await write(web, str(training_id), tasks_running=1)
        await expect(page.locator("#log-verdict")).to_contain_text("Verified")


async def test_a_stream_that_was_cut_goes_on_without_a_line_twice(web: Web, site: str, browser: Browser) -> None:
    training_id = await running(web)
    database = web.context.database
    attempt = await try_of(database, training_id, "worker")
    await say(database, attempt, lines(0, 50))
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto(f"/trainings/{training_id}/logs")
        await expect(page.locator("#log")).to_contain_text("line 49")
        await page.evaluate("document.getElementById('live')._htmx.sse.reader.cancel()")
        await say(database, attempt, lines(50, 60))
        await expect(page.locator("#log")).to_contain_text("line 59")
        assert (await page.locator("#log").text_content() or "").count("line ") == 60


@pytest.mark.parametrize("script", ["hx-sse.min.js", "app.js", "logs.js"])
async def test_a_script_that_comes_late_misses_nothing(web: Web, site: str, browser: Browser, script: str) -> None:
    training_id = await running(web)
    attempt = await try_of(web.context.database, training_id, "worker")
    await say(web.context.database, attempt, lines(0, 50))

    async def slowly(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.route(f"**/{script}*", slowly)
        await page.goto(f"/trainings/{training_id}/logs")
        await expect(page.locator("#log")).to_contain_text("line 49")
        await write(web, str(training_id), state=State.STOPPED, reason=Reason.STOPPED_BY_USER)
        await expect(page.locator("#training-head")).to_contain_text("Stopped")


@pytest.mark.parametrize("narrow", [False, True])
async def test_a_table_that_measures_and_warns_is_not_wider_than_the_window(
    web: Web, site: str, browser: Browser, narrow: bool
) -> None:
    training_id = await running(web)
    for index, ago in enumerate((300, 1)):
        attempt = await try_of(web.context.database, training_id, "worker", index)
        await say(web.context.database, attempt, b"step\n" * 1_000)
        told = "UPDATE log_chunks SET last_at = now() - make_interval(secs => :ago) WHERE attempt_id = :id"
        await run(web, told, id=attempt, ago=ago)
    await run(web, "UPDATE attempts SET created_at = now() - interval '1 h', started_at = now() - interval '1 h'")
    await run(
        web,
        "INSERT INTO task_usage (training_id, role, index, attempt, cpu, memory, cpu_peak, memory_peak, sampled_at) "
        "SELECT training_id, role, index, 1, 1999, 1500000000, 1999, 1900000000, now() FROM tasks",
    )
    await run(web, "UPDATE tasks SET state = 'running', node = 'a-node-of-some-length', started_at = now()")
    async with visit(browser, site, narrow=narrow) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto(f"/trainings/{training_id}")
        await expect(seen.page.locator("#task-worker-0")).to_contain_text("while its peers go on")
        await expect(seen.page.locator("#tasks")).to_contain_text("peak")
        assert await seen.overflow() <= 0
        wider = "table => table.scrollWidth - table.parentElement.clientWidth"
        assert await seen.page.locator(".task-table").evaluate(wider) <= 0


async def test_a_page_says_when_it_may_be_old_and_catches_up(web: Web, site: str, browser: Browser) -> None:
    training_id = await running(web)
    async with visit(browser, site) as seen:
        page, lost = seen.page, seen.page.get_by_text("what is shown may be old")
        await log_in(page, "ada", PASSWORD)
        await page.goto("/trainings")
        row = page.locator(f"[data-training='{training_id}']")
        await expect(row).to_contain_text("Running")
        await page.route("**/live/**", lambda route: route.abort())
        await page.evaluate("document.getElementById('live')._htmx.sse.reader.cancel()")
        await expect(lost).to_be_visible()
        assert await stumbling_blocks(page) == []
        await write(web, str(training_id), state=State.STOPPED, reason=Reason.STOPPED_BY_USER)
        await page.unroute("**/live/**")
        await expect(row).to_contain_text("Stopped")
        await expect(lost).to_be_hidden()
        seen.troubles = [trouble for trouble in seen.troubles if "Failed to fetch" not in trouble]


async def test_whoever_is_logged_out_is_shown_the_door(web: Web, site: str, browser: Browser) -> None:
    training_id = await running(web)
    async with visit(browser, site) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto(f"/trainings/{training_id}")
        await expect(seen.page.locator("#training-head")).to_be_visible()
        await run(web, "DELETE FROM sessions")
        await seen.page.evaluate("document.getElementById('live')._htmx.sse.reader.cancel()")
        await seen.page.wait_for_url(f"**/login?next=/trainings/{training_id}")
        seen.troubles = [trouble for trouble in seen.troubles if "failed with status 401" not in trouble]


def lines(first: int, end: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(first, end))


async def at_end(page: Page) -> None:
    await page.wait_for_function(
        "() => { const log = document.getElementById('log');"
        " return log.scrollHeight - log.scrollTop - log.clientHeight < 5; }"
    )
