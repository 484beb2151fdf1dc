"""A new person, from the door to a finished training: through real pages, a real worker and a real cluster."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import log_in, visit
from tests.support.cluster import LocalCluster
from tests.support.lab import Lab, laboratory

pytestmark = [pytest.mark.browser, pytest.mark.cluster]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/hello"
PASSWORD = "a password of her own"
IMAGE = "localhost/taas/python:3.11"
SOON_MS = 120_000  # pods start and end, on a machine that other tests use too


async def test_a_new_person_trains_for_the_first_time(local_cluster: LocalCluster, browser: Browser) -> None:
    async with laboratory(local_cluster) as lab:
        made = await lab.http.post("users", json={"name": "grace", "role": "member", "password": PASSWORD})
        assert made.status_code == 201, made.text
        async with visit(browser, lab.taas.url) as seen:
            page = seen.page
            await log_in(page, "grace", PASSWORD)
            await expect(page.get_by_text("From nothing to a training")).to_be_visible()
            await upload(page)
            await make_project(page)
            await page.get_by_role("button", name="Start", exact=True).click()
            await page.wait_for_url("**/trainings/*")
            await watch(page)
            await look_back(page)
        await every_step_was_seen(lab)


async def every_step_was_seen(lab: Lab) -> None:
    """A real scheduler and kubelet told when a node took each task, and when its volumes and network were there."""
    (training,) = (await lab.http.get("trainings")).json()["items"]
    for task in (await lab.http.get(f"trainings/{training['id']}/tasks")).json()["items"]:
        (attempt,) = task["attempts"]
        names = ("created_at", "scheduled_at", "sandbox_at", "started_at", "finished_at")
        moments = [datetime.fromisoformat(attempt[name]) for name in names]
        assert moments == sorted(moments), attempt


async def upload(page: Page) -> None:
    await page.get_by_role("link", name="Upload", exact=True).click()
    await page.locator("#folder").set_input_files(EXAMPLE)
    await expect(page.get_by_label("Name")).to_have_value("hello")
    await page.get_by_role("button", name="Upload", exact=True).click()
    await page.wait_for_url("**/algorithms/hello/versions/1?done=new")


async def make_project(page: Page) -> None:
    await page.get_by_role("link", name="New project").click()
    await page.get_by_label("Framework").select_option("plain")
    await page.get_by_label("Image").fill(IMAGE)
    worker = page.get_by_role("group", name="worker")
    await worker.get_by_label("Tasks").fill("2")
    await worker.get_by_label("CPU", exact=True).fill("100m")
    await worker.get_by_label("Memory", exact=True).fill("64Mi")
    arguments = page.get_by_role("group", name="Arguments")
    for number, text in enumerate(["--lines", "200", "--sleep", "5"]):
        if number:
            await arguments.get_by_role("button", name="Argument", exact=True).click()
        await arguments.get_by_role("textbox").nth(number).fill(text)
    await page.get_by_label("Keep the namespace").fill("0")
    await page.get_by_role("button", name="Make the project").click()
    await page.wait_for_url("**/projects/hello?done=made")


async def watch(page: Page) -> None:
    """The log as it comes, then the end, without loading a page again."""
    await page.get_by_role("link", name="Logs").click()
    await page.wait_for_url("**/logs")
    log = page.locator("#log")
    await expect(log).to_contain_text("worker-1 task 1 of 2: my share of pi", timeout=SOON_MS)
    await expect(log).to_contain_text("worker-0 line 199", timeout=SOON_MS)
    state = page.locator("#training-head .state.big")
    await expect(state).to_have_text("Succeeded", timeout=SOON_MS)
    await expect(log).to_contain_text("worker-0 done")
    await expect(page.locator("#training-head")).to_contain_text("Namespace gone", timeout=SOON_MS)


async def look_back(page: Page) -> None:
    """The record stays when the namespace is gone."""
    await page.get_by_role("link", name="Overview").click()
    for task in ("worker-0", "worker-1"):
        await expect(page.locator(f"#task-{task} .state")).to_have_text("Succeeded")
    await page.locator("#task-worker-1").get_by_role("link", name="Log").click()
    await expect(page.locator("#log-verdict")).to_contain_text("Verified")
    await expect(page.locator("#log")).to_contain_text("line 199")
    await page.get_by_role("link", name="Events").click()
    await expect(page.locator("#events")).to_contain_text("Started by grace")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Logs").click()
        await page.get_by_role("link", name="Download").click()
    kept = Path(await (await downloading.value).path()).read_text()
    assert len(re.findall(r"^worker-[01] \| line \d+$", kept, re.M)) == 400
    await page.goto("/")
    await expect(page.get_by_text("hello #1")).to_be_visible()
