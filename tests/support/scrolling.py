"""Scrolling a log by keys, as a person does."""

from __future__ import annotations

from playwright.async_api import Page

_ARRIVING = """(log, key) => {
  log.arrived = new Promise((tell) => {
    let near = false;
    const look = () => {
      const left = key === "End" ? log.scrollHeight - log.scrollTop - log.clientHeight : log.scrollTop;
      near ||= left < 400;
    };
    const end = () => { if (near) tell(true); };
    log.addEventListener("scroll", look);
    log.addEventListener("scrollend", end);
    setTimeout(() => tell(false), 3000);
  });
}"""


async def scroll(page: Page, key: str) -> None:
    """Press Home or End until the log was so near that end that it asks for more lines, and has come to rest.

    Chromium drops a key that comes while another way ends, such as the one to the line that the page was opened at:
    whoever sees nothing move presses again.
    """
    log = page.locator("#log")
    for _ in range(10):
        await log.evaluate(_ARRIVING, key)
        await log.press(key)
        if await log.evaluate("(log) => log.arrived"):
            return
    raise AssertionError(f"{key} does not move the log")
