"""axe-core on a page: what people who see, hear or use a keyboard differently would stumble over."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page

AXE = Path(__file__).parents[1] / "browser/vendor/axe-core/axe.min.js"
_RUN = """
async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .flatMap((one) => one.nodes.slice(0, 3).map((node) => [one.id, ...node.target, node.html.slice(0, 160)].join(" ")));
}
"""


async def stumbling_blocks(page: Page) -> list[str]:
    """The serious and critical findings, one line each."""
    await page.evaluate(AXE.read_text())
    found: list[str] = await page.evaluate(_RUN)
    return found
