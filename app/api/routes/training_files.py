"""/trainings/{id}/files: what the tasks wrote into TAAS_LOG_DIR and TAAS_MODEL_DIR.

A file is always sent as a download, in a sandbox and as nothing that a browser runs: what a task wrote must not be able
to act here as the person who opens it.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse

from app.api.deps import Ctx, Me, Paged
from app.api.problems import documented
from app.api.schemas.training_files import FileOut, FilesOut, PreviewOut
from app.domain.paging import Page, bad_cursor

router = APIRouter(prefix="/trainings", tags=["trainings"])

FilePath = Annotated[str, InPath(max_length=4_000, description="Such as models/weights.npz.")]
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
# Pictures that a page may show; never SVG, which can hold scripts.
_PICTURES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}


@router.get("/{training_id:uuid}/files", responses=documented(404))
async def list_training_files(
    training_id: UUID,
    me: Me,
    context: Ctx,
    paging: Paged,
    path: Annotated[str, Query(max_length=4_000, description="logs, models, or a folder below.")] = "models",
) -> FilesOut:
    """The entries of one folder, by name."""
    match paging.request.after:
        case None:
            after = None
        case (str(name),):
            after = name
        case _:
            raise bad_cursor()
    found = await context.files.folder(me, training_id, path, after=after, most=paging.request.limit)
    page = Page(found.entries, (found.next,) if found.next is not None else None)
    listing = paging.listing(page, FileOut.model_validate)
    return FilesOut(items=listing.items, next_cursor=listing.next_cursor, truncated=found.truncated)


@router.get("/{training_id:uuid}/preview/{path:path}", responses=documented(404))
async def preview_training_file(training_id: UUID, path: FilePath, me: Me, context: Ctx) -> PreviewOut:
    """The beginning of a file, if it is text; of NumPy's files, which arrays they hold."""
    return PreviewOut.model_validate(await context.files.preview(me, training_id, path))


@router.get(
    "/{training_id:uuid}/files/{path:path}",
    response_class=StreamingResponse,
    responses={**documented(404), **_BYTES},
)
async def get_training_file(training_id: UUID, path: FilePath, me: Me, context: Ctx) -> StreamingResponse:
    """One file, to the byte."""
    size, pieces = await context.files.download(me, training_id, path)
    name = path.rpartition("/")[2]
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Length": str(size),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    kind = _PICTURES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    return StreamingResponse(pieces, media_type=kind, headers=headers)
