"""The catalogue of images. Everybody sees it, admins keep it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from app.domain.catalogue import Image
from app.domain.project import Framework
from app.errors import Conflict, InvalidInput, TaasError
from app.ui.admin import admins_only, show_admin, taken
from app.ui.fields import Sent
from app.ui.page import Page, Shown, to

router = APIRouter(prefix="/admin")

FRAMEWORKS = [(one.value, one.value) for one in Framework]


@router.get("/images")
async def images_page(page: Shown, framework: str = "", done: str = "") -> Response:
    wanted = Framework(framework) if framework in set(Framework) else None
    found = await page.context.images.page(page.viewer, page.paged(), wanted)
    values = {
        "images": found.items,
        "next_cursor": page.cursor(found.next),
        "frameworks": FRAMEWORKS,
        "framework": wanted.value if wanted else "",
        "done": _DONE.get(done, ""),
    }
    return show_admin(page, "images", "admin_images", values)


@router.get("/new/image")
async def new_image(page: Shown) -> Response:
    return _form(page, {"framework": Framework.TENSORFLOW.value})


@router.post("/images")
async def create_image(page: Shown) -> Response:
    sent = Sent(await page.request.form())
    form = _sent(sent) | {"name": sent.text("name"), "framework": sent.text("framework")}
    try:
        if form["framework"] not in set(Framework):
            sent.wrong("/framework", "Choose one of the frameworks.")
        sent.check()
        await page.context.images.create(page.viewer, **form | {"framework": Framework(form["framework"])})
    except (InvalidInput, Conflict) as exc:
        return _form(page, form, taken(exc))
    return to("/admin/images?done=made")


@router.get("/images/{name}")
async def image_page(page: Shown, name: str) -> Response:
    admins_only(page)
    image = await page.context.images.get(page.viewer, name)
    form = {"reference": image.reference, "description": image.description, "is_default": image.is_default}
    return _form(page, form, image=image)


@router.post("/images/{name}")
async def change_image(page: Shown, name: str) -> Response:
    form = _sent(Sent(await page.request.form()))
    try:
        await page.context.images.change(page.viewer, name, **form)
    except InvalidInput as exc:
        return _form(page, form, exc, image=await page.context.images.get(page.viewer, name))
    return to("/admin/images?done=saved")


@router.post("/images/{name}/delete")
async def delete_image(page: Shown, name: str) -> Response:
    await page.context.images.delete(page.viewer, name)
    return to("/admin/images?done=deleted")


def _sent(sent: Sent) -> dict[str, Any]:
    return {
        "reference": sent.text("reference"),
        "description": sent.text("description"),
        "is_default": bool(sent.text("is_default")),
    }


def _form(page: Page, form: dict[str, Any], exc: TaasError | None = None, image: Image | None = None) -> Response:
    admins_only(page)
    blank = {"name": "", "reference": "", "description": "", "is_default": False, "framework": ""}
    values = {"image": image, "form": blank | form, "frameworks": FRAMEWORKS}
    return show_admin(page, "images", "admin_image", values, exc)


_DONE = {
    "made": "The image is offered from now on.",
    "saved": "Saved. Projects keep the reference they were made with.",
    "deleted": "It is offered no more. Projects that use it go on.",
}
