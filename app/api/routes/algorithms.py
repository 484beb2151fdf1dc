"""/algorithms: uploads and what is in them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.deps import Ctx, Listing, Me, Paged
from app.api.problems import documented
from app.api.schemas.algorithms import (
    AlgorithmOut,
    AlgorithmPatch,
    ComparisonOut,
    FileOut,
    FilesOut,
    NewAlgorithmOut,
    VersionOut,
    upload_body,
)
from app.api.schemas.base import INT_MAX
from app.services.uploads import upload_of

router = APIRouter(prefix="/algorithms", tags=["algorithms"])

AlgorithmName = Annotated[str, Path(max_length=63)]
Number = Annotated[int, Path(ge=1, le=INT_MAX)]


@router.post("", status_code=201, responses=documented(409), openapi_extra=upload_body(named=True))
async def create_algorithm(request: Request, response: Response, me: Me, context: Ctx) -> NewAlgorithmOut:
    """Upload an algorithm: its name and the archive (or the files) of its first version."""
    algorithm, version = await context.algorithms.create(me, upload_of(request))
    response.headers["Location"] = f"/api/v1/algorithms/{algorithm.name}"
    return NewAlgorithmOut(
        **AlgorithmOut.model_validate(algorithm).model_dump(), version=VersionOut.model_validate(version)
    )


@router.get("", responses=documented())
async def list_algorithms(me: Me, context: Ctx, paging: Paged) -> Listing[AlgorithmOut]:
    """By name."""
    return paging.listing(await context.algorithms.page(me, paging.request), AlgorithmOut.model_validate)


@router.get("/{name}", responses=documented(404))
async def get_algorithm(name: AlgorithmName, me: Me, context: Ctx) -> AlgorithmOut:
    """One algorithm."""
    return AlgorithmOut.model_validate(await context.algorithms.get(me, name))


@router.patch("/{name}", responses=documented(404))
async def describe_algorithm(name: AlgorithmName, body: AlgorithmPatch, me: Me, context: Ctx) -> AlgorithmOut:
    """Change its description."""
    return AlgorithmOut.model_validate(await context.algorithms.describe(me, name, body.description))


@router.delete("/{name}", status_code=204, responses=documented(404, 409))
async def delete_algorithm(name: AlgorithmName, me: Me, context: Ctx) -> None:
    """Delete it with all versions, when no project and no record of a training uses it."""
    await context.algorithms.delete(me, name)


_EXISTING: dict[int | str, dict[str, Any]] = {
    200: {"model": VersionOut, "description": "The content is that of a version that there is already"}
}


@router.post(
    "/{name}/versions",
    status_code=201,
    responses=documented(404) | _EXISTING,
    openapi_extra=upload_body(named=False),
)
async def add_version(name: AlgorithmName, request: Request, response: Response, me: Me, context: Ctx) -> VersionOut:
    """Upload a version. The same content as that of an existing one gives that one, with status 200."""
    version, is_new = await context.algorithms.add_version(me, name, upload_of(request))
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/api/v1/algorithms/{name}/versions/{version.number}"
    return VersionOut.model_validate(version)


@router.get("/{name}/versions", responses=documented(404))
async def list_versions(name: AlgorithmName, me: Me, context: Ctx, paging: Paged) -> Listing[VersionOut]:
    """The newest first."""
    return paging.listing(await context.algorithms.versions(me, name, paging.request), VersionOut.model_validate)


@router.get("/{name}/versions/{number}", responses=documented(404))
async def get_version(name: AlgorithmName, number: Number, me: Me, context: Ctx) -> VersionOut:
    """One version."""
    return VersionOut.model_validate(await context.algorithms.version(me, name, number))


@router.get("/{name}/versions/{number}/files", responses=documented(404))
async def list_files(name: AlgorithmName, number: Number, me: Me, context: Ctx) -> FilesOut:
    """Every file of a version."""
    files = await context.algorithms.files(me, name, number)
    return FilesOut(items=[FileOut.model_validate(file) for file in files])


@router.get("/{name}/compare/{before:int}...{after:int}", responses=documented(404))
async def compare_versions(
    name: AlgorithmName,
    before: Number,
    after: Number,
    me: Me,
    context: Ctx,
    file: Annotated[str | None, Query(max_length=4096, description="Only this file's lines.")] = None,
) -> ComparisonOut:
    """What became different from one version to another, file by file, with unified diffs of what is text."""
    return ComparisonOut.of(await context.comparisons.compare(me, name, before, after, only=file))


# Generators of clients know this type of answer and not, say, application/gzip.
BYTES = "application/octet-stream"
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes", "content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get(
    "/{name}/versions/{number}/files/{path:path}",
    response_class=StreamingResponse,
    responses=documented(404) | _BYTES,
)
async def get_file(name: AlgorithmName, number: Number, path: str, me: Me, context: Ctx) -> StreamingResponse:
    """The bytes of one file, always to be saved and never shown: they are a stranger's."""
    entry, pieces = await context.algorithms.file(me, name, number, path)
    headers = {"Content-Length": str(entry.size), "Content-Disposition": attachment(path.rpartition("/")[2])}
    return StreamingResponse(pieces, media_type=BYTES, headers=headers)


@router.get(
    "/{name}/versions/{number}/archive",
    response_class=StreamingResponse,
    responses=documented(404) | _BYTES,
)
async def get_archive(name: AlgorithmName, number: Number, me: Me, context: Ctx) -> StreamingResponse:
    """The canonical tar.gz of a version."""
    version, size, pieces = await context.algorithms.archive(me, name, number)
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": attachment(f"{name}-v{version.number}.tar.gz"),
        "ETag": f'"{version.digest}"',
    }
    return StreamingResponse(pieces, media_type=BYTES, headers=headers)


def attachment(file_name: str) -> str:
    """A Content-Disposition that makes browsers save under that name, whatever is in it."""
    return f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
