"""The catalogue of images, with a default for each framework. Admins keep it, everybody chooses from it."""

from __future__ import annotations

from typing import Any

from app.db import audit, images
from app.db.engine import Database
from app.db.ids import new_id
from app.domain import catalogue_rules as rules
from app.domain.access import Action, Principal
from app.domain.catalogue import Image
from app.domain.clock import Clock
from app.domain.paging import Page, PageRequest
from app.domain.project import Framework
from app.errors import Conflict, FieldError, NotFound
from app.services.access import require
from app.services.known import known


class ImageService:
    """A project keeps the reference it was made with; the catalogue only offers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self,
        principal: Principal,
        *,
        name: str,
        reference: str,
        framework: Framework,
        description: str = "",
        is_default: bool = False,
    ) -> Image:
        """A new default takes the place of the old one. Raises `NotAllowed`, `InvalidInput` and `Conflict`."""
        require(principal, Action.ADMINISTER)
        rules.check(rules.name(name), rules.reference(reference), _described(description))
        image = Image(new_id(), name, reference, framework, description, is_default, self._clock())
        async with self._database.transaction() as connection:
            if is_default:
                await images.clear_default(connection, framework)
            if not await images.add(connection, image):
                raise Conflict(f"There is an image named {name} already: choose another name.")
            await audit.record(connection, principal.name, "image.create", f"image/{name}", reference=reference)
        return image

    async def page(self, principal: Principal, request: PageRequest, framework: Framework | None = None) -> Page[Image]:
        """All, or those of one framework, by name."""
        async with self._database.read() as connection:
            return await images.page(connection, request, framework)

    async def get(self, principal: Principal, name: str) -> Image:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            return known(await images.by_name(connection, name), "image", name)

    async def default_for(self, framework: Framework) -> Image | None:
        """What a new project of that framework is offered."""
        async with self._database.read() as connection:
            return await images.default_for(connection, framework)

    async def change(
        self,
        principal: Principal,
        name: str,
        *,
        reference: str | None = None,
        description: str | None = None,
        is_default: bool | None = None,
    ) -> Image:
        """What is None stays. Raises `NotAllowed`, `NotFound` and `InvalidInput`."""
        require(principal, Action.ADMINISTER)
        rules.check(
            rules.reference(reference) if reference is not None else None,
            _described(description) if description is not None else None,
        )
        given = {"reference": reference, "description": description, "is_default": is_default}
        values: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        async with self._database.transaction() as connection:
            image = known(await images.by_name(connection, name), "image", name)
            if not values:
                return image
            if is_default:
                await images.clear_default(connection, image.framework)
            changed = await images.change(connection, image.id, **values)
            await audit.record(connection, principal.name, "image.change", f"image/{name}", **values)
        return changed

    async def delete(self, principal: Principal, name: str) -> None:
        """Projects that use the reference go on. Raises `NotAllowed` and `NotFound`."""
        require(principal, Action.ADMINISTER)
        async with self._database.transaction() as connection:
            if not await images.remove(connection, name):
                raise NotFound(f"There is no image named {name}.")
            await audit.record(connection, principal.name, "image.delete", f"image/{name}")


def _described(description: str) -> FieldError | None:
    return rules.text("/description", "The description", description, longest=rules.DESCRIPTION_MAX, empty=True)
