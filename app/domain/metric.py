"""A metric of a training: the values of one tag (such as `epoch_loss`) in one run (a directory, such as `train`).

A series keeps a bounded number of points. While it is short it has all of them; when it grows it is thinned so that
no peak is lost: of every few neighbours the lowest and the highest stay, and the first one that is no number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite

MOST_POINTS = 4096
"""Points that a series keeps, about; up to here it keeps every one."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value: `step` as the program counts, `at` in seconds since 1970."""

    step: int
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """What is known of one tag in one run.

    `points` are in the order in which they were read. `stride`: of so many values two are kept (1: all are). Those of
    the newest group, which may not be full yet: `open_values` so far, the last `open_kept` points.
    """

    run: str
    tag: str
    count: int = 0
    last: Point | None = None
    lowest: Point | None = None
    highest: Point | None = None
    points: tuple[Point, ...] = ()
    stride: int = 1
    open_values: int = 0
    open_kept: int = 0

    @property
    def downsampled(self) -> bool:
        """Whether fewer points are kept than there were."""
        return self.stride > 1


def extended(series: Series, news: Iterable[Point], *, most: int = MOST_POINTS) -> Series:
    """The series with more values, in the order in which they were written."""
    points = list(series.points)
    count, stride = series.count, series.stride
    open_values, open_kept = series.open_values, series.open_kept
    last, lowest, highest = series.last, series.lowest, series.highest
    for point in news:
        count += 1
        if last is None or point.at >= last.at:
            last = point
        if isfinite(point.value):
            if lowest is None or point.value < lowest.value:
                lowest = point
            if highest is None or point.value > highest.value:
                highest = point
        group = points[len(points) - open_kept :]
        del points[len(points) - open_kept :]
        kept = [point] if stride == 1 else extremes([*group, point])
        points += kept
        open_values, open_kept = open_values + 1, len(kept)
        if open_values == stride:
            open_values = open_kept = 0
            if len(points) > most:
                points = _halved(points)
                stride = stride * 2 if stride > 1 else 4
    return replace(
        series,
        count=count,
        last=last,
        lowest=lowest,
        highest=highest,
        points=tuple(points),
        stride=stride,
        open_values=open_values,
        open_kept=open_kept,
    )


def extremes(points: Sequence[Point]) -> list[Point]:
    """The lowest and the highest of them and the first that is no number, in their order."""
    finite = [at for at, point in enumerate(points) if isfinite(point.value)]
    strange = [at for at, point in enumerate(points) if not isfinite(point.value)][:1]
    if finite:
        strange += [
            min(finite, key=lambda at: points[at].value),
            max(finite, key=lambda at: points[at].value),
        ]
    return [points[at] for at in sorted(set(strange))]


def curve(points: Iterable[Point]) -> list[Point]:
    """By step. A step that was written twice, as a task does that was started again, has its newest value."""
    newest: dict[int, Point] = {}
    for point in points:
        before = newest.get(point.step)
        if before is None or point.at >= before.at:
            newest[point.step] = point
    return [newest[step] for step in sorted(newest)]


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most `most` (3 or more) of them, about evenly spread: first, last, and the extremes in between."""
    if len(points) <= most:
        return list(points)
    if most < 6:
        return [points[0], *extremes(points[1:-1])[: most - 2], points[-1]]
    groups = max(1, (most - 2) // 3)
    inner = points[1:-1]
    kept = [points[0]]
    for group in range(groups):
        kept += extremes(inner[len(inner) * group // groups : len(inner) * (group + 1) // groups])
    return [*kept, points[-1]]


def _halved(points: Sequence[Point]) -> list[Point]:
    kept: list[Point] = []
    for at in range(0, len(points), 4):
        kept += extremes(points[at : at + 4])
    return kept
