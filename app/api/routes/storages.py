"""/storages: where trainings find data and leave logs and models."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.api.deps import Ctx, Listing, Me, NamePath, Paged
from app.api.problems import documented
from app.api.schemas.catalogue import StorageChangeIn, StorageIn, StorageKindOut, StorageKindsOut, StorageOut

router = APIRouter(prefix="/storages", tags=["storages"])
kinds = APIRouter(prefix="/storage-kinds", tags=["storages"])


@router.post("", status_code=201, responses=documented(409))
async def create_storage(body: StorageIn, response: Response, me: Me, context: Ctx) -> StorageOut:
    """Make a storage known. A new default takes the place of the old one."""
    storage = await context.storages.create(
        me,
        name=body.name,
        kind=body.kind,
        config=body.config,
        is_default=body.is_default,
    )
    response.headers["Location"] = f"/api/v1/storages/{storage.name}"
    return StorageOut.model_validate(storage)


@router.get("", responses=documented())
async def list_storages(me: Me, context: Ctx, paging: Paged) -> Listing[StorageOut]:
    """All, by name."""
    return paging.listing(await context.storages.page(me, paging.request), StorageOut.model_validate)


@router.get("/{name}", responses=documented(404))
async def get_storage(name: NamePath, me: Me, context: Ctx) -> StorageOut:
    """One storage."""
    return StorageOut.model_validate(await context.storages.get(me, name))


@router.patch("/{name}", responses=documented(404))
async def change_storage(name: NamePath, body: StorageChangeIn, me: Me, context: Ctx) -> StorageOut:
    """Change its settings, for trainings that start from now on."""
    storage = await context.storages.change(
        me,
        name,
        config=body.config,
        is_default=body.is_default,
    )
    return StorageOut.model_validate(storage)


@router.delete("/{name}", status_code=204, responses=documented(404, 409))
async def delete_storage(name: NamePath, me: Me, context: Ctx) -> None:
    """Forget a storage that no project and no live training uses. What lies on it stays."""
    await context.storages.delete(me, name)


@kinds.get("", responses=documented())
async def list_storage_kinds(me: Me, context: Ctx) -> StorageKindsOut:
    """What kinds of storage there are, and the settings that each one has."""
    return StorageKindsOut(items=[StorageKindOut.model_validate(kind) for kind in context.storages.kinds()])
