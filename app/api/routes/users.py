"""/users: who may log in. Admins change it, everybody sees the names."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.api.deps import Ctx, Listing, Me, NamePath, Paged
from app.api.problems import documented
from app.api.schemas.accounts import PasswordIn, UserChangeIn, UserIn, UserOut

router = APIRouter(prefix="/users", tags=["users"])


@router.post("", status_code=201, responses=documented(409))
async def create_user(body: UserIn, response: Response, me: Me, context: Ctx) -> UserOut:
    """Make somebody who may log in."""
    user = await context.accounts.create(me, name=body.name, role=body.role, password=body.password)
    response.headers["Location"] = f"/api/v1/users/{user.name}"
    return UserOut.model_validate(user)


@router.get("", responses=documented())
async def list_users(me: Me, context: Ctx, paging: Paged) -> Listing[UserOut]:
    """Everybody, by name."""
    return paging.listing(await context.accounts.page(me, paging.request), UserOut.model_validate)


@router.get("/{name}", responses=documented(404))
async def get_user(name: NamePath, me: Me, context: Ctx) -> UserOut:
    """One person."""
    return UserOut.model_validate(await context.accounts.get(me, name))


@router.patch("/{name}", responses=documented(404, 409))
async def change_user(name: NamePath, body: UserChangeIn, me: Me, context: Ctx) -> UserOut:
    """Give somebody another role, or disable or enable the account. The last admin stays one."""
    return UserOut.model_validate(await context.accounts.change(me, name, role=body.role, disabled=body.disabled))


@router.delete("/{name}", status_code=204, responses=documented(404, 409))
async def disable_user(name: NamePath, me: Me, context: Ctx) -> None:
    """Disable an account. What the person owns stays; sessions and tokens are worth nothing from now on."""
    await context.accounts.change(me, name, disabled=True)


@router.post("/{name}/password", status_code=204, responses=documented(404))
async def set_password(name: NamePath, body: PasswordIn, me: Me, context: Ctx) -> None:
    """Give somebody a new password. All of their sessions end."""
    await context.accounts.set_password(me, name, body.password)
