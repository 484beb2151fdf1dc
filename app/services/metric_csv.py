"""Curves as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

from app.domain.metrics import MetricCurve

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(curves: Iterable[MetricCurve]) -> str:
    """One line a point: training (its number), run, tag, step, time (RFC 3339, UTC), value."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("training", "run", "tag", "step", "time", "value"))
    for curve in curves:
        run, tag = _harmless(curve.run), _harmless(curve.tag)
        for point in curve.points:
            at = datetime.fromtimestamp(point.at, UTC).isoformat().replace("+00:00", "Z")
            writer.writerow((curve.number, run, tag, point.step, at, repr(point.value)))
    return out.getvalue()


def _harmless(name: str) -> str:
    """A spreadsheet must not take a name that a program chose for a formula."""
    return f"'{name}" if name.startswith(_FORMULA) else name
