"""A timed project in a real browser: made with a preview, forecast, paused, run now, and seen in the calendar."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from app.domain.training import Reason, State
from tests.support.browser import log_in, visit
from tests.support.pages import run, write
from tests.support.projects import IMAGE, make_algorithm, make_project, start
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser


async def test_a_timed_project_from_its_form_to_the_calendar(web: Web, site: str, browser: Browser) -> None:
    async with web.client_of("ada") as client:
        await make_algorithm(client)
        async with visit(browser, site) as seen:
            page = seen.page
            await log_in(page, "ada", PASSWORD)
            await page.goto("/new/project?algorithm=hello")
            await page.get_by_label("Name", exact=True).first.fill("nightly")
            await page.get_by_label("Framework").select_option("plain")
            await page.get_by_label("Image").fill(IMAGE)
            preview = page.locator("#schedule-preview")
            await expect(preview).to_be_hidden()
            await page.get_by_text("At set times").click()
            await expect(preview).to_contain_text("At 03:00 every day")
            await page.get_by_label("Cron expression").fill("0 0 31 2 *")
            await expect(preview).to_contain_text("is never due")
            await page.get_by_label("Time zone").fill("Europe/Berlin")
            await page.get_by_label("Cron expression").fill("0 */2 * * *")
            await expect(preview).to_contain_text("In Europe/Berlin")
            await expect(preview.locator("tbody tr")).to_have_count(10)
            await page.get_by_role("button", name="Make the project").click()
            await page.wait_for_url("**/projects/nightly?done=made")
            card = page.locator("#schedule-card")
            await expect(card).to_contain_text("Active")

            await ran_for(web, [(await start(client, "nightly"))["id"] for _ in range(3)], hours=4)
            await page.goto("/projects/nightly/edit")
            await expect(preview).to_contain_text("every run would be killed before its end")
            await page.goto("/projects/nightly")
            await expect(card).to_contain_text("and replace, every run would be killed before its end")

            await page.get_by_role("button", name="Pause").click()
            await expect(card).to_contain_text("Paused")
            await page.get_by_role("link", name="Run now").click()
            await page.get_by_role("dialog").get_by_role("button", name="Run it now").click()
            await page.wait_for_url("**/trainings/*")
            await expect(page.get_by_role("heading", name="nightly #4")).to_be_visible()

            await page.goto("/projects/nightly")
            await page.get_by_role("link", name="Run now").click()
            await expect(page.get_by_role("dialog")).to_contain_text("It replaces #4")
            await page.keyboard.press("Escape")
            await page.get_by_role("button", name="Resume").click()
            await expect(card).to_contain_text("Active")

            await page.get_by_role("link", name="Calendar").click()
            await expect(page.locator(".day.today .run")).not_to_have_count(0)
            await page.get_by_role("link", name="One day").click()
            await expect(page.locator(".run", has_text="nightly #4")).to_contain_text("Queued")
            await page.get_by_role("link", name="After").click()
            await expect(page.locator(".run", has_text="Planned")).to_have_count(12)
            await page.locator(".run").first.click()
            await page.wait_for_url("**/projects/nightly")


async def test_what_somebody_else_does_shows_at_once(web: Web, site: str, browser: Browser) -> None:
    """By its hint: without one a page looks again only after ten seconds."""
    async with web.client_of("ada") as client, visit(browser, site) as seen:
        page = seen.page
        await make_project(client, schedule={"cron": "0 3 * * *"})
        await log_in(page, "ada", PASSWORD)
        await page.goto("/projects/hello")
        card = page.locator("#schedule-card")
        await expect(card).to_contain_text("Active")
        for action, word in (("pause", "Paused"), ("resume", "Active"), ("pause", "Paused")):
            await client.post(f"/api/v1/projects/hello/schedule/{action}", json={} if action == "resume" else None)
            await expect(card).to_contain_text(word)

        wanted = {"from": "2025-03-03T00:00:00Z", "to": "2025-03-05T00:00:00Z", "concurrency": 1}
        made = (await client.post("/api/v1/projects/hello/backfills", json=wanted)).json()
        await page.goto(f"/backfills/{made['id']}")
        head, times = page.locator("#backfill-head"), page.locator("#backfill-times tbody tr")
        await expect(head).to_contain_text("2 waiting")
        await web.context.backfills.advance()
        await expect(times.first.locator(".state")).to_have_text("Queued")
        [training] = (await client.get("/api/v1/trainings")).json()["items"]
        await write(web, training["id"], state=State.SUCCEEDED, reason=Reason.COMPLETED, namespace_state="gone")
        await expect(head).to_contain_text("1 succeeded")
        await client.post(f"/api/v1/backfills/{made['id']}/cancel")
        await expect(head).to_contain_text("Cancelled by ada")
        await expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


async def ran_for(web: Web, ids: list[str], *, hours: int) -> None:
    """They have run for so long and succeeded."""
    for one in ids:
        await run(
            web,
            "UPDATE trainings SET starting_at = now() - make_interval(hours => :hours), finished_at = now(), "
            "archived_at = now() WHERE id = :id",
            id=one,
            hours=hours,
        )
        await write(web, one, state=State.SUCCEEDED, reason=Reason.COMPLETED, namespace_state="gone")
