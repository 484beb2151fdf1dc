"""Files that a training left: folder by folder, with a look into each."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.domain.paging import bad_cursor
from app.domain.training_files import AREAS
from app.errors import NotFound
from app.services.training_files import FilesUnseen
from app.storage import StorageUnavailable
from app.ui.highlight import code
from app.ui.page import Page, Shown
from app.ui.routes.trainings import head_values

router = APIRouter()

ROWS = 100
PICTURE_BYTES = 20 * 1024 * 1024
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


@router.get("/trainings/{training_id}/files")
async def files_page(
    page: Shown,
    training_id: UUID,
    path: Annotated[str, Query(max_length=4_000)] = AREAS[-1],
    file: Annotated[str, Query(max_length=4_000)] = "",
) -> Response:
    record = await page.context.trainings.get(page.viewer, training_id)
    folder = file.rpartition("/")[0] if file else path
    values: dict[str, Any] = await head_values(page, record, tab="/files") | {
        "areas": AREAS,
        "folder": folder,
        "above": _above(folder),
        "entries": (),
        "truncated": False,
        "next_cursor": None,
        "file": file,
        "shown": None,
        "storage": record.training.spec.storage,
        "problem": "",
    }
    try:
        values |= await _listed(page, training_id, folder)
        if file:
            values["shown"] = await _looked_into(page, training_id, file)
    except (FilesUnseen, StorageUnavailable) as exc:
        return page.show("training_files", values | {"problem": exc.detail}, 200 if isinstance(exc, NotFound) else 503)
    return page.show("training_files", values)


async def _listed(page: Page, training_id: UUID, folder: str) -> dict[str, Any]:
    after = page.paged().after
    if after is not None and not (len(after) == 1 and isinstance(after[0], str)):
        raise bad_cursor()
    name = str(after[0]) if after else None
    found = await page.context.files.folder(page.viewer, training_id, folder, after=name, most=ROWS)
    key = (found.next,) if found.next is not None else None
    return {"entries": found.entries, "truncated": found.truncated, "next_cursor": page.cursor(key)}


async def _looked_into(page: Page, training_id: UUID, path: str) -> dict[str, Any]:
    preview = await page.context.files.preview(page.viewer, training_id, path)
    name = path.rpartition("/")[2]
    return {
        "name": name,
        "url": f"/api/v1/trainings/{training_id}/files/{quote(path)}",
        "preview": preview,
        "picture": name.lower().endswith(_PICTURES) and preview.size <= PICTURE_BYTES,
        "html": code(preview.text, filename=name) if preview.text else None,
    }


def _above(folder: str) -> list[tuple[str, str]]:
    """The folders on the way, each with its path."""
    parts = folder.split("/")
    return [(part, "/".join(parts[: at + 1])) for at, part in enumerate(parts)]
