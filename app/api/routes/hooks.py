"""/hooks: addresses that start a project's trainings, and what was delivered to them."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import BaseUrl, Ctx, Listing, Me, NamePath, Paged
from app.api.problems import documented
from app.api.schemas.hooks import (
    HookChangeIn,
    HookDeliveryOut,
    HookIn,
    HookOut,
    HookSecretsOut,
    ReplayOut,
    RotateIn,
    RotateSecretIn,
    SnippetOut,
    TestIn,
    TestOut,
)
from app.domain.hook import Outdated
from app.domain.snippets import snippets

router = APIRouter(tags=["hooks"])


@router.post("/projects/{name}/hooks", status_code=201, responses=documented(404, 409))
async def create_hook(
    name: NamePath, body: HookIn, response: Response, me: Me, context: Ctx, base: BaseUrl
) -> HookSecretsOut:
    """Make a hook. Its token and its secret are in this answer and nowhere else."""
    hook, told = await context.hooks.create(
        me,
        name,
        name=body.name,
        signing=body.signing,
        secret=body.secret,
        rules=[rule.rule() for rule in body.rules],
    )
    response.headers["Location"] = f"/api/v1/hooks/{hook.id}"
    return HookSecretsOut.made(hook, told, base)


@router.get("/projects/{name}/hooks", responses=documented(404))
async def list_hooks(name: NamePath, me: Me, context: Ctx, paging: Paged) -> Listing[HookOut]:
    """A project's hooks, by name."""
    return paging.listing(await context.hooks.page(me, name, paging.request), HookOut.model_validate)


@router.get("/hooks/{hook_id}", responses=documented(404))
async def get_hook(hook_id: UUID, me: Me, context: Ctx) -> HookOut:
    """One hook."""
    return HookOut.model_validate(await context.hooks.get(me, hook_id))


@router.patch("/hooks/{hook_id}", responses=documented(404, 409))
async def change_hook(hook_id: UUID, body: HookChangeIn, me: Me, context: Ctx, base: BaseUrl) -> HookSecretsOut:
    """Change it. Another way of signing without a secret has one made, which is in this answer."""
    hook, told = await context.hooks.change(me, hook_id, body.change())
    return HookSecretsOut.made(hook, told, base)


@router.delete("/hooks/{hook_id}", status_code=204, responses=documented(404))
async def revoke_hook(hook_id: UUID, me: Me, context: Ctx) -> None:
    """Revoke it, with its deliveries. The trainings that it started stay."""
    await context.hooks.revoke(me, hook_id)


@router.post("/hooks/{hook_id}/rotate", responses=documented(404))
async def rotate_hook(
    hook_id: UUID, me: Me, context: Ctx, base: BaseUrl, body: RotateIn | None = None
) -> HookSecretsOut:
    """Give it a new token, which is in this answer. The one before is accepted too for `overlap`, a day by default."""
    hook, told = await context.hook_rotation.token(me, hook_id, (body or RotateIn()).overlap)
    return HookSecretsOut.made(hook, told, base)


@router.delete("/hooks/{hook_id}/old-token", responses=documented(404))
async def end_old_hook_token(hook_id: UUID, me: Me, context: Ctx) -> HookOut:
    """End the overlap now: the token before is not accepted any more."""
    return HookOut.model_validate(await context.hook_rotation.end(me, hook_id, Outdated.TOKEN))


@router.post("/hooks/{hook_id}/rotate-secret", responses=documented(404, 409))
async def rotate_hook_secret(
    hook_id: UUID, me: Me, context: Ctx, base: BaseUrl, body: RotateSecretIn | None = None
) -> HookSecretsOut:
    """Give it a new secret: yours, or one that is in this answer. The one before is accepted too for `overlap`."""
    wanted = body or RotateSecretIn()
    hook, told = await context.hook_rotation.secret(me, hook_id, wanted.overlap, secret=wanted.secret)
    return HookSecretsOut.made(hook, told, base)


@router.delete("/hooks/{hook_id}/old-secret", responses=documented(404))
async def end_old_hook_secret(hook_id: UUID, me: Me, context: Ctx) -> HookOut:
    """End the overlap now: what is signed with the secret before is refused."""
    return HookOut.model_validate(await context.hook_rotation.end(me, hook_id, Outdated.SECRET))


@router.post("/hooks/{hook_id}/test", responses=documented(404))
async def test_hook(hook_id: UUID, body: TestIn, me: Me, context: Ctx) -> TestOut:
    """Show what a payload would lead to, without starting anything."""
    tried = await context.hook_calls.test(me, hook_id, body.payload)
    return TestOut.model_validate(
        {"would_start": not tried.problems, "params": tried.params, "problems": tried.problems}, from_attributes=True
    )


@router.get("/hooks/{hook_id}/snippets", responses=documented(404))
async def list_hook_snippets(hook_id: UUID, me: Me, context: Ctx, base: BaseUrl) -> list[SnippetOut]:
    """How pipelines call it, ready to paste."""
    hook = await context.hooks.get(me, hook_id)
    return [SnippetOut.model_validate(one) for one in snippets(base, hook.project, hook.signing, hook.rules)]


@router.get("/hooks/{hook_id}/deliveries", responses=documented(404))
async def list_hook_deliveries(hook_id: UUID, me: Me, context: Ctx, paging: Paged) -> Listing[HookDeliveryOut]:
    """What was delivered, the newest first."""
    return paging.listing(await context.hooks.deliveries(me, hook_id, paging.request), HookDeliveryOut.of)


@router.get("/hooks/{hook_id}/deliveries/{delivery_id}", responses=documented(404))
async def get_hook_delivery(hook_id: UUID, delivery_id: UUID, me: Me, context: Ctx) -> HookDeliveryOut:
    """One delivery."""
    return HookDeliveryOut.of(await context.hooks.delivery(me, hook_id, delivery_id))


@router.post("/hooks/{hook_id}/deliveries/{delivery_id}/replay", status_code=202, responses=documented(404, 409))
async def replay_hook_delivery(
    hook_id: UUID, delivery_id: UUID, response: Response, me: Me, context: Ctx, base: BaseUrl
) -> ReplayOut:
    """Deliver it once more, as a new delivery that says so."""
    answer = await context.hook_calls.replay(me, hook_id, delivery_id, base=base)
    response.headers["Location"] = f"/api/v1/trainings/{answer.training_id}"
    return ReplayOut.model_validate(answer.body)
