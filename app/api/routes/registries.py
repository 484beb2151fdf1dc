"""/registries: logins for pulling images. The password goes in and never comes out."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.api.deps import Ctx, Listing, Me, NamePath, Paged
from app.api.problems import documented
from app.api.schemas.catalogue import RegistryChangeIn, RegistryIn, RegistryOut, RegistryUseOut

router = APIRouter(prefix="/registries", tags=["registries"])


@router.post("", status_code=201, responses=documented(409))
async def create_registry(body: RegistryIn, response: Response, me: Me, context: Ctx) -> RegistryOut:
    """Let trainings pull images from a registry that needs a login."""
    registry = await context.registries.create(
        me,
        name=body.name,
        host=body.host,
        username=body.username,
        password=body.password,
    )
    response.headers["Location"] = f"/api/v1/registries/{registry.name}"
    return RegistryOut.model_validate(registry)


@router.get("", responses=documented())
async def list_registries(me: Me, context: Ctx, paging: Paged) -> Listing[RegistryOut]:
    """All, by name."""
    return paging.listing(await context.registries.page(me, paging.request), RegistryOut.model_validate)


@router.get("/{name}", responses=documented(404))
async def get_registry(name: NamePath, me: Me, context: Ctx) -> RegistryOut:
    """One registry."""
    return RegistryOut.model_validate(await context.registries.get(me, name))


@router.get("/{name}/projects", responses=documented(404))
async def list_registry_projects(name: NamePath, me: Me, context: Ctx, paging: Paged) -> Listing[RegistryUseOut]:
    """The projects whose image comes from it, by name."""
    found = await context.registries.projects(me, name, paging.request)
    return paging.listing(found, RegistryUseOut.model_validate)


@router.patch("/{name}", responses=documented(404))
async def change_registry(name: NamePath, body: RegistryChangeIn, me: Me, context: Ctx) -> RegistryOut:
    """Give it another login."""
    registry = await context.registries.change(
        me,
        name,
        username=body.username,
        password=body.password,
    )
    return RegistryOut.model_validate(registry)


@router.delete("/{name}", status_code=204, responses=documented(404))
async def delete_registry(name: NamePath, me: Me, context: Ctx) -> None:
    """Forget the login. Trainings that start from now on pull without it."""
    await context.registries.delete(me, name)
