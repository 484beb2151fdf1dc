"""Curves in a real browser: drawn from the API's points, while a training runs and side by side with others."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.axe import stumbling_blocks
from tests.support.browser import log_in, visit
from tests.support.metric_room import Room, a_room
from tests.support.summaries import record, write
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser


async def rooms(web: Web, root: Path) -> list[Room]:
    """Three trainings of a project: two that succeeded, one that runs and has a value that is no number."""
    config = {"path": "/srv/taas", "node": "node-1", "taas_path": str(root)}
    first = await a_room(web, root, config)
    made = [first, await a_room(web, root, config, first.maker), await a_room(web, root, config, first.maker)]
    for at, room in enumerate(made):
        for run, offset in (("train", 0.0), ("validation", 0.1)):
            steps = range(1, 1501 if run == "train" else 60)
            loss = [
                record("epoch_loss", n, offset + math.exp(-n / (200 + 80 * at)) + 0.03 * math.sin(n)) for n in steps
            ]
            score = [record("epoch_accuracy", n, 1 - offset - math.exp(-n / (250 + 60 * at))) for n in steps]
            write(room.folder / run, *loss, *score)
        write(room.folder, *(record("learning_rate", n, 0.1 * 0.99**n) for n in range(200)))
    write(made[2].folder / "train", record("epoch_loss", 1501, math.nan))
    for room in made:
        await room.read()
    for room in made[:2]:
        await room.end(ago=60)
        await room.read()
    return made


async def drawn(page: Page, count: int) -> None:
    """Until so many charts stand there and those in view have something drawn."""
    await expect(page.locator(".chart")).to_have_count(count)
    await expect(page.locator(".chart .uplot").first).to_be_visible()
    await expect(page.locator(".chart .u-legend tr").first).to_be_visible()


async def test_curves_follow_a_training_that_runs(web: Web, site: str, browser: Browser, tmp_path: Path) -> None:
    await web.person("ada")
    *_, room = await rooms(web, tmp_path)
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto(f"/trainings/{room.id}/metrics")
        await drawn(page, 3)
        loss = page.locator(".chart", has=page.get_by_role("heading", name="epoch_loss"))
        await expect(loss).to_contain_text("downsampled: ")
        await expect(loss).to_contain_text("of 1\u202f501 points")
        await expect(page.locator("#metric-values")).to_contain_text("NaN")
        assert await stumbling_blocks(page) == []
        await page.get_by_label("Logarithmic").check()
        await page.get_by_label("Along").select_option("since")
        await page.get_by_label("Smoothing").fill("0.6")
        await drawn(page, 3)
        await page.get_by_label("Metric", exact=True).fill("accuracy")
        await expect(loss).to_be_hidden()
        await page.get_by_label("Metric", exact=True).fill("")
        write(room.folder, record("new_metric", 1, 0.5))
        await room.read()
        await expect(page.get_by_role("heading", name="new_metric")).to_be_visible()
        await page.get_by_role("link", name="Overlay the last success (#2)").click()
        await drawn(page, 4)
        await expect(page.locator(".chart .u-legend").nth(1)).to_contain_text("#2")
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Points of epoch_loss in validation as CSV").click()
        text = (await (await download.value).path()).read_text()
        assert len(text.splitlines()) == 60


async def test_trainings_of_a_project_side_by_side(web: Web, site: str, browser: Browser, tmp_path: Path) -> None:
    await web.person("ada")
    room, _, third = await rooms(web, tmp_path)
    shots = os.environ.get("TAAS_TEST_SHOTS")
    for dark, narrow in ((False, False), (True, False), (False, True)):
        async with visit(browser, site, dark=dark, narrow=narrow) as seen:
            page = seen.page
            await log_in(page, "ada", PASSWORD)
            for name, address in (
                ("compare", f"/projects/{room.maker.name}/compare"),
                ("metrics", f"/trainings/{room.id}/metrics"),
            ):
                await page.goto(address)
                await drawn(page, 3)
                assert await seen.overflow() <= 0
                assert await stumbling_blocks(page) == []
                if shots:
                    look = "dark" if dark else "narrow" if narrow else "light"
                    await page.screenshot(path=f"{shots}/{name}-{look}.png", full_page=True)
            await page.goto(f"/projects/{room.maker.name}/compare")
            marks = page.locator(".chart").first.locator(".u-series .u-marker")
            await expect(marks.nth(1)).to_have_css("border-top-style", "solid")  # the first is the axis's
            await expect(marks.nth(2)).to_have_css("border-top-style", "dashed")
            await page.get_by_label("#1").uncheck()
            await page.get_by_role("button", name="Compare").click()
            await drawn(page, 3)
            await expect(page.locator(".chart .u-legend").first).not_to_contain_text("#1")
            await expect(page.locator(".chart .u-legend").first).to_contain_text("#3")
            if narrow:
                write(third.folder, record("new_metric", 1, 0.5))
                await third.read()
                await expect(page.get_by_role("heading", name="new_metric")).to_be_visible()


async def test_without_metrics_it_is_said_how_to_write_them(
    web: Web, site: str, browser: Browser, tmp_path: Path
) -> None:
    await web.person("ada")
    root = tmp_path / "empty"
    root.mkdir()
    room = await a_room(web, root, {"path": "/srv/taas", "node": "node-1", "taas_path": str(root)})
    await room.read()
    async with visit(browser, site, script=False) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto(f"/trainings/{room.id}/metrics")
        await expect(seen.page.get_by_text("No metrics yet")).to_be_visible()
        await expect(seen.page.locator("#metric-values")).to_contain_text("TAAS_LOG_DIR")
        await seen.page.goto(f"/projects/{room.maker.name}/compare")
        await expect(seen.page.get_by_text("No metrics yet")).to_be_visible()
