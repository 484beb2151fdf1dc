"""Jinja2 filters: times, durations, sizes and counts in words that people read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import humanize
from markupsafe import Markup


def ago(moment: datetime | None) -> Markup:
    """A `<time>` that the page's script keeps as "3 minutes ago" in the viewer's zone; without script, UTC."""
    return _time(moment, "ago")


def at(moment: datetime | None) -> Markup:
    """A `<time>` shown as date and time in the viewer's zone; without script, UTC."""
    return _time(moment, "at")


def weekday(moment: datetime | None) -> Markup:
    """A `<time>` shown with its day of the week, in the viewer's zone; without script, UTC."""
    return _time(moment, "weekday")


def since(start: datetime | None, end: datetime | None = None) -> Markup:
    """How long from `start` to `end`; counts on in the page while `end` is None."""
    if start is None:
        return Markup("–")
    if end is not None:
        return Markup("<span>{}</span>").format(duration(end - start))
    passed = datetime.now(UTC) - start
    return Markup('<time class="tabular" datetime="{}" data-time="since">{}</time>').format(
        start.astimezone(UTC).isoformat(timespec="milliseconds"), duration(passed)
    )


def duration(span: timedelta | None) -> str:
    """`1 h 5 min`, `12 s`, `480 ms`; at most two units, rounded down."""
    if span is None:
        return "–"
    seconds = max(0.0, span.total_seconds())
    if 0 < seconds < 1:
        return f"{int(seconds * 1000)} ms"
    left, parts = int(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def size(count: int | None) -> str:
    """`22 bytes`, `1.5 KiB`: with binary units."""
    return "–" if count is None else humanize.naturalsize(count, binary=True, format="%.3g").replace("Byte", "byte")


def number(count: int) -> str:
    """Digits in groups of three, by a narrow space."""
    return f"{count:,}".replace(",", "\u202f")


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 task`, `4 tasks`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def pretty(value: Any) -> str:
    """JSON for people to read and edit."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def with_code(sentence: str) -> Markup:
    """What stands between backticks as code, as Markdown has it."""
    code = Markup("<code>{}</code>")
    parts = enumerate(re.split(r"`([^`]+)`", sentence))
    return Markup("").join(code.format(part) if place % 2 else part for place, part in parts)


def with_times(sentence: str) -> Markup:
    """The times in it, which rows keep in UTC, as everywhere on a page in the viewer's zone."""
    parts = enumerate(re.split(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)", sentence))
    return Markup("").join(_at_or_as_it_is(part) if place % 2 else part for place, part in parts)


def pair(text: str) -> tuple[str, str]:
    """An option of a `<select>` whose value is its word."""
    return text, text


def amount(value: Decimal | None, resource: str) -> str:
    """How much of a resource, as people say it: `3.5 cores`, `12.5 GiB`, `4`."""
    if value is None:
        return "–"
    if resource in ("memory", "ephemeral-storage"):
        return size(int(value))
    plain = value.quantize(Decimal("0.01")).normalize()
    return f"{plain:f} {'core' if plain == 1 else 'cores'}" if resource == "cpu" else f"{plain:f}"


def cores(millicores: int) -> str:
    """CPU in cores, with as many digits as tell something: `0.004`, `0.25`, `1.9`, `12`."""
    value = Decimal(millicores) / 1000
    digits = "0.001" if value < Decimal("0.1") else "0.01" if value < 10 else "1"
    return f"{value.quantize(Decimal(digits)).normalize():f}"


def resource_words(resource: str) -> str:
    """A resource's name as a heading."""
    return {"cpu": "CPU", "memory": "Memory", "pods": "Pods"}.get(resource, resource)


def percent(part: Decimal | None, whole: Decimal) -> float:
    """Of the whole, from 0 to 100; 0 when there is no whole."""
    return float(min(max((part or Decimal(0)) * 100 / whole, Decimal(0)), Decimal(100))) if whole else 0.0


def share(part: int, whole: int, most: float = 999.0) -> float:
    """Percent of the whole, at most `most`; 0 when there is no whole."""
    return min(100 * part / whole, most) if whole else 0.0


def _at_or_as_it_is(written: str) -> str:
    try:
        return at(datetime.fromisoformat(written))
    except ValueError:  # such as a 13th month, in somebody else's words
        return written


def _time(moment: datetime | None, form: str) -> Markup:
    if moment is None:
        return Markup("–")
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}" data-time="{}">{}</time>').format(
        utc.isoformat(timespec="milliseconds"), form, f"{utc:%Y-%m-%d %H:%M} UTC"
    )


def figure(value: float | None) -> str:
    """A measured value with four significant digits: `0.03125`, `1.2e-07`, `NaN`."""
    if value is None:
        return "–"
    if value != value:
        return "NaN"
    return f"{value:.4g}".replace("inf", "∞")
