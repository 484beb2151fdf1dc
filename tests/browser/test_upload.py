"""Uploads in a real browser: a folder, an archive, a mistake beside its field."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect

from tests.support.archives import make_tar
from tests.support.browser import log_in, visit
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser


async def test_a_folder_becomes_an_algorithm(web: Web, site: str, browser: Browser, tmp_path: Path) -> None:
    await web.person("ada")
    folder = tmp_path / "My Digits"
    for path, content in {
        "run.sh": "echo hi\n",
        "src/a.py": "A = 1\n",
        ".git/HEAD": "x",
        "__pycache__/a.pyc": "x",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.get_by_role("link", name="Upload").first.click()
        await page.locator("#folder").set_input_files(folder)
        await expect(page.get_by_text("2 files, ")).to_be_visible()
        await expect(page.get_by_label("Name")).to_have_value("my-digits")
        await page.get_by_role("button", name="Upload", exact=True).click()
        await page.wait_for_url("**/algorithms/my-digits/versions/1?done=new")
        await expect(page.get_by_text("Uploaded.")).to_be_visible()
        await expect(page.get_by_text("No shebang")).to_be_visible()
        await page.get_by_role("link", name="a.py").click()
        await expect(page.locator(".code")).to_contain_text("A = 1")

        await page.goto("/algorithms/my-digits/versions/new")
        await page.locator("#folder").set_input_files(folder)
        await page.get_by_role("button", name="Upload", exact=True).click()
        await page.wait_for_url("**/algorithms/my-digits/versions/1?done=same")


async def test_what_was_chosen_before_the_script_ran_is_taken(
    web: Web, site: str, browser: Browser, tmp_path: Path
) -> None:
    await web.person("ada")
    folder, archive = tmp_path / "quick", tmp_path / "code.tar"
    folder.mkdir()
    (folder / "run.sh").write_text("echo hi\n")
    archive.write_bytes(make_tar({"run.sh": b"echo hi\n"}))
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        chosen, held = asyncio.Event(), 0

        async def late(route: Route) -> None:
            nonlocal held
            held += 1
            await chosen.wait()
            await route.continue_()

        await page.route("**/upload.js*", late)
        for field, path, told in (("#folder", folder, "1 file, "), ("#archive", archive, "10.0 KiB")):
            chosen.clear()
            await page.goto("/new/algorithm", wait_until="commit")
            await page.locator(field).set_input_files(path)
            chosen.set()
            await expect(page.locator("[data-picked-more]")).to_contain_text(told)
        assert held == 2


async def test_mistakes_are_said_and_nothing_typed_is_lost(
    web: Web, site: str, browser: Browser, tmp_path: Path
) -> None:
    await web.person("ada")
    archive = tmp_path / "code.tar"
    archive.write_bytes(make_tar({"train.py": b"x"}))
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto("/new/algorithm")
        await page.get_by_label("Name").fill("code")
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.get_by_role("alert")).to_have_text("Choose an archive or a folder first.")
        await page.locator("#archive").set_input_files(archive)
        await page.get_by_label("Description").fill("What it does")
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("run.sh")
        await expect(page.get_by_label("Description")).to_have_value("What it does")
        archive.write_bytes(make_tar({"run.sh": b"echo hi\n"}))
        await page.locator("#archive").set_input_files(archive)
        await page.get_by_label("Name").fill("Bad Name")
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.locator("#f-name-wrong")).to_contain_text("name was")
        await page.get_by_label("Name").fill("good-name")
        await page.get_by_role("button", name="Upload", exact=True).click()
        await page.wait_for_url("**/algorithms/good-name/versions/1?done=new")


async def test_what_is_too_large_is_said_before_it_is_sent(
    web: Web, site: str, browser: Browser, tmp_path: Path
) -> None:
    await web.person("ada")
    large = tmp_path / "large.tar"
    with large.open("wb") as file:
        file.truncate(web.context.settings.upload_max_bytes + 1)
    async with visit(browser, site) as seen:
        await log_in(seen.page, "ada", PASSWORD)
        await seen.page.goto("/new/algorithm")
        await seen.page.locator("#archive").set_input_files(large)
        await expect(seen.page.get_by_label("Name")).to_have_value("large")
        await seen.page.get_by_role("button", name="Upload", exact=True).click()
        await expect(seen.page.get_by_role("alert")).to_contain_text("at most 256.0 MiB are taken")


async def test_a_folder_can_be_dropped(web: Web, site: str, browser: Browser) -> None:
    await web.person("ada")
    async with visit(browser, site) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto("/new/algorithm")
        dropped = await page.evaluate_handle(
            """() => {
              const data = new DataTransfer();
              data.items.add(new File(["echo hi\\n"], "run.sh"));
              data.items.add(new File(["x = 1\\n"], "train.py"));
              return data;
            }"""
        )
        await page.dispatch_event("[data-drop]", "drop", {"dataTransfer": dropped})
        await expect(page.get_by_text("2 files, 14 B")).to_be_visible()
        await page.get_by_label("Name").fill("dropped")
        await page.get_by_role("button", name="Upload", exact=True).click()
        await page.wait_for_url("**/algorithms/dropped/versions/1?done=new")
