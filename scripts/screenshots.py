"""Pictures of a running TaaS, for its README: `scripts/uv run python scripts/screenshots.py --password …`.

It logs in, finds the newest training, and takes each page in light and dark, wide and narrow.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "narrow": (390, "light")}
HEIGHT = 860
SETTLED_MS = 1500  # the live stream has sent what there is


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", required=True)
    parser.add_argument("--chromium", default=shutil.which("chromium") or "/usr/bin/chromium")
    parser.add_argument("--to", type=Path, default=Path("docs/images"))
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        for look, (width, scheme) in LOOKS.items():
            page = open_page(browser, options.url, width, scheme)
            page.goto("/login")
            page.get_by_label("Name").fill(options.user)
            page.get_by_label("Password").fill(options.password)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url("**/")
            for name, address in addresses(page).items():
                take(page, address, options.to / f"{name}-{look}.png")
        browser.close()


def open_page(browser: Browser, url: str, width: int, scheme: str) -> Page:
    viewport = {"width": width, "height": HEIGHT}
    return browser.new_context(base_url=url, viewport=viewport, color_scheme=scheme).new_page()  # type: ignore[arg-type]


def addresses(page: Page) -> dict[str, str]:
    """The pages by name; those of a training and of a project when there are any."""
    found = {"home": "/", "projects": "/projects", "algorithms": "/algorithms", "upload": "/new/algorithm"}
    found |= {"cluster": "/cluster", "queue": "/cluster/queue", "namespaces": "/cluster/namespaces"}
    found |= {part: f"/admin/{part}" for part in ("users", "images", "registries", "storages", "settings", "audit")}
    page.goto("/trainings")
    newest = page.locator("a.main").first
    if newest.count():
        training = newest.get_attribute("href") or ""
        found |= {"training": training, "logs": f"{training}/logs", "events": f"{training}/events"}
        page.goto(training)
        project = page.locator(".crumbs a").last.get_attribute("href") or ""
        found |= {"project": project}
        code = page.locator("#training-head a[href*='/versions/']").first.get_attribute("href") or ""
        found |= {"code": re.sub(r"#.*", "", code)}
    return found


def take(page: Page, address: str, to: Path) -> None:
    page.goto(address)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=to)
    print(to)


if __name__ == "__main__":
    main()
