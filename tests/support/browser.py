"""A real Chromium that looks at a real server, and complains for the test about whatever a person would not see."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

# The shell is Chromium without a desktop's windows, and takes a third less of the processors. Any Chromium will do.
CHROMIUM = (
    os.environ.get("TAAS_TEST_CHROMIUM")
    or shutil.which("chromium-headless-shell")
    or shutil.which("chromium")
    or "/usr/bin/chromium"
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 390, "height": 844}
PATIENCE_MS = 30_000  # the machine may be busy with other tests
expect.set_options(timeout=PATIENCE_MS)
# Tells the console what the policy has blocked, with what a plain message leaves out.
_REPORTER = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


@dataclass
class Visit:
    """A page of the browser, and everything that went wrong on it so far."""

    page: Page
    troubles: list[str] = field(default_factory=list)

    def noted(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.troubles.append(f"{self.page.url}: {message.text}")

    def failed(self, error: object) -> None:
        self.troubles.append(f"{self.page.url}: {error}")

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return width


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Chromium, with nothing left of earlier runs."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visit(
    browser: Browser, url: str, *, narrow: bool = False, dark: bool = False, script: bool = True
) -> AsyncIterator[Visit]:
    """A new person's browser at `url`. Afterwards the test fails if any script or policy complained."""
    context: BrowserContext = await browser.new_context(
        base_url=url,
        viewport=NARROW if narrow else WIDE,  # type: ignore[arg-type]
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE_MS)
    await context.add_init_script(_REPORTER)
    page = await context.new_page()
    seen = Visit(page)
    page.on("console", seen.noted)
    page.on("pageerror", seen.failed)
    page.on("request", lambda request: _elsewhere(seen, url, request.url))
    try:
        yield seen
    finally:
        await context.close()
    assert seen.troubles == []


async def log_in(page: Page, name: str, password: str) -> None:
    await page.goto("/login")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url("**/")


def _elsewhere(seen: Visit, url: str, requested: str) -> None:
    if not requested.startswith((url, "data:", "blob:")):
        seen.troubles.append(f"a page asked for {requested}")
