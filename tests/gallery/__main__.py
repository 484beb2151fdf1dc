"""Pictures of every page, in light, in dark and 390 pixels wide: `python -m tests.gallery FOLDER [NAME…]`.

It makes an installation of its own with an embedded PostgreSQL and a week of trainings, and needs no cluster. With
names (see `pages`) only those pages; `--look` chooses some of the looks.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from playwright.async_api import Browser
from playwright.async_api import TimeoutError as PlaywrightTimeout

from app.db.engine import Database
from app.domain.access import UserRole
from tests.gallery.pages import EMPTY, addresses
from tests.gallery.scene import STATS, furnished, keep_alive
from tests.support.browser import NARROW, WIDE, Visit, chromium, log_in, visit
from tests.support.database import PostgresForTests, postgres_for_tests
from tests.support.served import served
from tests.support.served_models import model
from tests.support.web import PASSWORD, Web, web_for_tests

LOOKS = {"light": {}, "dark": {"dark": True}, "narrow": {"narrow": True}}
HIGHEST = 6_000
PATIENCE_MS = 10_000
# What a page fetches by itself is there: the log's stream, a serving's figures, the curves.
SETTLED = """() => !(document.querySelector("#live") && document.querySelector("[data-log-empty]"))
  && !/Asking the (balancers|model)/.test(document.body.innerText)
  && [...document.querySelectorAll(".chart")].every(
    (chart) => chart.querySelector(".uplot") || chart.getBoundingClientRect().top > innerHeight)
  && (!document.querySelector("[data-charts]") || document.querySelector(".chart"))"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.gallery", description=__doc__)
    parser.add_argument("to", type=Path, metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--look", action="append", choices=LOOKS, help="may be given again; all of them by default")
    parser.add_argument("--window", action="store_true", help="what a window shows at first, not the whole page")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with postgres_for_tests() as postgres, tempfile.TemporaryDirectory() as home, model(STATS) as answering:
        looks = options.look or list(LOOKS)
        job = Job(options.to, options.names, looks, options.window)
        asyncio.run(pictures(postgres, Path(home), answering.server_port, job))


@dataclass(frozen=True)
class Job:
    """Which pictures are wanted: into the folder `to`, as `<name>-<look>.png`; no names mean all pages."""

    to: Path
    names: Sequence[str]
    looks: Sequence[str]
    window: bool

    def wants(self, pages: Mapping[str, str]) -> dict[str, str]:
        return {name: address for name, address in pages.items() if not self.names or name in self.names}


async def pictures(postgres: PostgresForTests, home: Path, port: int, job: Job) -> None:
    """Take them. What is wider than the window is told; what the policy blocks is an error."""
    async with postgres.fresh() as url:
        database = Database(url)
        async with (
            web_for_tests(database, home) as web,
            served(web) as site,
            chromium() as browser,
            web.client_of("ada", UserRole.ADMIN) as ada,
        ):
            camera = _Camera(web, browser, site, job)
            await camera.take(job.wants(EMPTY))
            if not job.names or set(job.names) - set(EMPTY):
                scene = await furnished(web, ada, home / "disk", port)
                await camera.take(job.wants(addresses(scene)), worker=True)
        await database.close()


@dataclass(frozen=True)
class _Camera:
    web: Web
    browser: Browser
    site: str
    job: Job

    async def take(self, pages: Mapping[str, str], *, worker: bool = False) -> None:
        """Of these pages (name → address) in every look; with a `worker` that is seen to be there."""
        for look in self.job.looks if pages else ():
            async with visit(self.browser, self.site, **LOOKS[look]) as seen:
                if "login" in pages:
                    await self._picture(seen, "login", pages["login"], look)
                await log_in(seen.page, "ada", PASSWORD)
                for name in [name for name in pages if name != "login"]:
                    if worker:
                        await keep_alive(self.web)
                    await self._picture(seen, name, pages[name], look)

    async def _picture(self, seen: Visit, name: str, address: str, look: str) -> None:
        page, window = seen.page, NARROW if look == "narrow" else WIDE
        await page.set_viewport_size(window)  # type: ignore[arg-type]
        await page.goto(address)
        await page.locator("h1, .nothing h2").first.wait_for(state="visible")
        if not self.job.window:
            # As high as the page is: what is drawn only when it comes into view is drawn, and nothing sticks half-way.
            high = await page.evaluate("document.documentElement.scrollHeight")
            size = {"width": window["width"], "height": min(max(high, window["height"]), HIGHEST)}
            await page.set_viewport_size(size)  # type: ignore[arg-type]
        told = ""
        try:
            await page.wait_for_function(SETTLED, timeout=PATIENCE_MS)
        except PlaywrightTimeout:
            told = "  (not settled)"
        wider = await seen.overflow()
        told += f"  {wider} px wider than the window" if wider > 0 else ""
        path = self.job.to / f"{name}-{look}.png"
        await page.screenshot(path=path, full_page=not self.job.window)
        sys.stdout.write(f"{path}{told}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
