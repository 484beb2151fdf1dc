"""What a browser calls itself, in words that its owner knows it by."""

from __future__ import annotations

import re

# In this order: most browsers also name those that they want to be taken for.
_BROWSERS = (
    (r"Edg(?:A|iOS)?/(\d+)", "Edge"),
    (r"OPR/(\d+)", "Opera"),
    (r"(?:Firefox|FxiOS)/(\d+)", "Firefox"),
    (r"(?:Headless)?(?:Chrome|CriOS)/(\d+)", "Chrome"),
    (r"Version/(\d+)\S* (?:Mobile/\S+ )?Safari/", "Safari"),
)
_SYSTEMS = (
    (r"Android", "Android"),
    (r"iPhone|iPad", "iOS"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"CrOS", "ChromeOS"),
    (r"Linux", "Linux"),
)


def browser_words(user_agent: str) -> str:
    """`Firefox 146 on Linux`; what it does not know stays as it is."""
    if not user_agent:
        return "Unknown browser"
    browser = next((f"{name} {found[1]}" for mark, name in _BROWSERS if (found := re.search(mark, user_agent))), "")
    system = next((name for mark, name in _SYSTEMS if re.search(mark, user_agent)), "")
    return f"{browser} on {system}" if browser and system else browser or user_agent
