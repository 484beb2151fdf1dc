"""A person looks through what a training left; a page that it left stays a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import log_in, visit
from tests.support.left_files import training_with_files
from tests.support.web import PASSWORD, Web

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("narrow", [False, True])
async def test_files_are_looked_through_and_a_hostile_page_is_only_downloaded(
    web: Web, site: str, browser: Browser, tmp_path: Path, narrow: bool
) -> None:
    left = await training_with_files(web, tmp_path)
    (left.models / "checkpoints").mkdir(parents=True)
    (left.models / "evil.html").write_text("<script>document.cookie = 'stolen=1'</script>")
    (left.models / "checkpoints" / "config.json").write_text('{"layers": 3}')
    await web.person("ada")
    async with visit(browser, site, narrow=narrow, dark=narrow) as seen:
        page = seen.page
        await log_in(page, "ada", PASSWORD)
        await page.goto(f"/trainings/{left.id}")
        await page.get_by_role("link", name="Files").click()
        await page.get_by_role("link", name="checkpoints/").click()
        await page.get_by_role("link", name="config.json").click()
        await expect(page.get_by_label("File", exact=True)).to_contain_text('"layers"')
        assert await seen.overflow() <= 0
        await page.goto(f"/trainings/{left.id}/files?file=models/evil.html")
        await expect(page.get_by_label("File", exact=True)).to_contain_text("<script>")
        async with page.expect_download() as waited:
            await page.evaluate(f"location.href = '/api/v1/trainings/{left.id}/files/models/evil.html'")
        download = await waited.value
        assert download.suggested_filename == "evil.html"
        assert Path(await download.path()).read_text().startswith("<script>")
        assert "stolen" not in await page.evaluate("document.cookie")
