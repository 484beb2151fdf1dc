"""/images: the catalogue that projects choose from."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.api.deps import Ctx, Listing, Me, NamePath, Paged
from app.api.problems import documented
from app.api.schemas.catalogue import ImageChangeIn, ImageIn, ImageOut
from app.domain.project import Framework

router = APIRouter(prefix="/images", tags=["images"])


@router.post("", status_code=201, responses=documented(409))
async def create_image(body: ImageIn, response: Response, me: Me, context: Ctx) -> ImageOut:
    """Offer an image. A new default takes the place of its framework's old one."""
    image = await context.images.create(
        me,
        name=body.name,
        reference=body.reference,
        framework=body.framework,
        description=body.description,
        is_default=body.is_default,
    )
    response.headers["Location"] = f"/api/v1/images/{image.name}"
    return ImageOut.model_validate(image)


@router.get("", responses=documented())
async def list_images(me: Me, context: Ctx, paging: Paged, framework: Framework | None = None) -> Listing[ImageOut]:
    """All, or those of one framework, by name."""
    return paging.listing(await context.images.page(me, paging.request, framework), ImageOut.model_validate)


@router.get("/{name}", responses=documented(404))
async def get_image(name: NamePath, me: Me, context: Ctx) -> ImageOut:
    """One image."""
    return ImageOut.model_validate(await context.images.get(me, name))


@router.patch("/{name}", responses=documented(404))
async def change_image(name: NamePath, body: ImageChangeIn, me: Me, context: Ctx) -> ImageOut:
    """Change what is offered."""
    image = await context.images.change(
        me,
        name,
        reference=body.reference,
        description=body.description,
        is_default=body.is_default,
    )
    return ImageOut.model_validate(image)


@router.delete("/{name}", status_code=204, responses=documented(404))
async def delete_image(name: NamePath, me: Me, context: Ctx) -> None:
    """Offer it no more. Projects that use it go on."""
    await context.images.delete(me, name)
