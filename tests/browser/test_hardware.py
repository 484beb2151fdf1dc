"""Curves of hardware in a real browser, from a real Prometheus."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from app.db.engine import Database
from tests.integration.test_hardware import SPACE, begun
from tests.support.axe import stumbling_blocks
from tests.support.browser import log_in, visit
from tests.support.exporter import Exporter
from tests.support.prometheus import prometheus
from tests.support.served import served
from tests.support.visitor import logged_in
from tests.support.web import PASSWORD, web_for_tests

pytestmark = pytest.mark.browser


async def test_curves_of_hardware_stand_below_the_metrics(database: Database, browser: Browser, tmp_path: Path) -> None:
    exporter = Exporter()
    for index in range(3):
        exporter.pod(SPACE, f"worker-{index}-x7abc", cpu=index + 0.5, memory=2e8 * (index + 1), network=1e5, gpu=None)
    shots = os.environ.get("TAAS_TEST_SHOTS")
    async with exporter.running(), prometheus(tmp_path, [exporter.job()]) as client:
        url = str(client.base_url).removesuffix("/api/v1/")
        async with (
            web_for_tests(database, tmp_path, prometheus_url=url) as web,
            logged_in(web, "ada") as member,
            served(web) as site,
        ):
            training = await begun(web, member, 3, gpu=1)
            for dark, narrow in ((False, False), (True, False), (False, True)):
                async with visit(browser, site, dark=dark, narrow=narrow) as seen:
                    await log_in(seen.page, "ada", PASSWORD)
                    await seen.page.goto(f"/trainings/{training}/metrics")
                    charts = seen.page.locator("[data-hardware] .chart")
                    await expect(charts).to_have_count(5)
                    for metric in ("memory", "network_in", "gpu"):
                        chart = charts.filter(has=seen.page.locator(f'[data-chart="{metric}"]'))
                        await chart.scroll_into_view_if_needed()  # its place is hidden once it proves empty
                    memory = charts.filter(has=seen.page.get_by_role("heading", name="Memory"))
                    await expect(memory.locator(".u-legend")).to_contain_text("worker-2")
                    gpu = charts.filter(has=seen.page.get_by_role("heading", name="GPU"))
                    await expect(gpu).to_contain_text("Prometheus has none for this training")
                    assert await seen.overflow() <= 0
                    assert await stumbling_blocks(seen.page) == []
                    if shots:
                        look = "dark" if dark else "narrow" if narrow else "light"
                        await seen.page.screenshot(path=f"{shots}/hardware-{look}.png", full_page=True)
