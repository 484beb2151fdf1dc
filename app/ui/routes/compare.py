"""Two versions of an algorithm beside each other."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from app.domain.comparison import FileStatus
from app.services.comparisons import FileComparison, counted
from app.ui.highlight import diff
from app.ui.page import Shown, to
from app.ui.words import Look

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Version = Annotated[int, Query(ge=1, le=2**31 - 1)]
VERSIONS = 100

LOOKS = {
    FileStatus.ADDED: Look("Added", icon="plus", tone="good"),
    FileStatus.REMOVED: Look("Removed", icon="circle-minus", tone="bad"),
    FileStatus.CHANGED: Look("Changed", icon="pencil", tone="busy"),
    FileStatus.UNKNOWN: Look("Perhaps changed", icon="help-circle", tone="calm"),
}


@router.get("/algorithms/{name}/compare")
async def choose_versions(name: Name, before: Version, after: Version) -> Response:
    """What the form that chooses two versions leads to."""
    return to(f"/algorithms/{name}/compare/{before}...{after}")


@router.get("/algorithms/{name}/compare/{before:int}...{after:int}")
async def compare_page(
    page: Shown, name: Name, before: Number, after: Number, file: Annotated[str, Query(max_length=4096)] = ""
) -> Response:
    found = await page.context.comparisons.compare(page.viewer, name, before, after, only=file or None)
    versions = await page.context.algorithms.versions(page.viewer, name, page.paged(VERSIONS))
    counts = counted(found.files)
    files = [one for one in found.files if not file or one.change.path == file]
    values = {
        "name": name,
        "before": found.before,
        "after": found.after,
        "numbers": _numbers([version.number for version in versions.items], before, after),
        "same": found.before.digest == found.after.digest,
        "files": [(one, _painted(one), LOOKS[one.change.status]) for one in files],
        "counts": [(LOOKS[status], count) for status, count in counts.items() if count],
        "only": file,
        "here": f"/algorithms/{name}/compare/{before}...{after}",
    }
    return page.show("compare", values)


def _painted(file: FileComparison) -> object:
    return diff(file.lines) if file.lines else ""


def _numbers(newest: list[int], *chosen: int) -> list[int]:
    return sorted({*newest, *chosen}, reverse=True)
