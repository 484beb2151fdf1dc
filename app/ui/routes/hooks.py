"""A project's triggers: its hooks with what was delivered to them, and the projects that it follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response

from app.domain.chain import FollowStart
from app.domain.hook import Hook, Outdated, Signing
from app.domain.paging import PageRequest
from app.domain.snippets import example, only_here, snippets
from app.errors import Conflict, FieldError, InvalidInput, NotFound, TaasError
from app.services.hooks import HookChange, NewSecrets
from app.services.projects import may_change
from app.ui import hook_form
from app.ui.commands import of_replay
from app.ui.fields import Sent
from app.ui.filters import pretty
from app.ui.page import Page, Shown, to

router = APIRouter(prefix="/projects/{name}")

Name = Annotated[str, Path(max_length=63)]
OVERLAPS = {
    "day": (timedelta(days=1), "is accepted for a day"),
    "hour": (timedelta(hours=1), "is accepted for an hour"),
    "week": (timedelta(days=7), "is accepted for a week"),
    "none": (timedelta(), "ends at once"),
}
NEWEST = 20
BLANK = {"name": "", "signing": "none", "rules": "", "upstream": "", "params": ""}


@router.get("/triggers")
async def triggers_page(page: Shown, name: Name, done: str = "") -> Response:
    return await _triggers(page, name, done=_DONE.get(done, ""))


@router.post("/triggers/hooks")
async def make_hook(page: Shown, name: Name) -> Response:
    sent = Sent(await page.request.form())
    form = {**BLANK, **{field: sent.text(field) for field in ("name", "signing", "rules")}}
    read = hook_form.rules_of(form["rules"])
    try:
        hook, told = await page.context.hooks.create(
            page.viewer,
            name,
            name=form["name"],
            signing=_signing(form["signing"]),
            rules=read.rules,
            unread=read.errors,
        )
    except (InvalidInput, Conflict) as exc:
        said = hook_form.said_of(exc, read.lines) or {"/name": exc.detail}
        return await _triggers(page, name, exc, form=form, errors=said)
    return await _hook(page, hook, told=told)


@router.post("/triggers/follows")
async def make_follow(page: Shown, name: Name) -> Response:
    sent = Sent(await page.request.form())
    form = {**BLANK, **{field: sent.text(field) for field in ("upstream", "params")}}
    try:
        params = sent.pairs("params", "/params")
        await page.context.follows.create(page.viewer, name, form["upstream"], params, unread=sent.errors)
    except TaasError as exc:
        said = hook_form.said_of(exc) or {"/upstream": exc.detail}
        return await _triggers(page, name, exc, form=form, errors=said)
    return to(f"/projects/{name}/triggers?done=follows")


@router.post("/follows/{follow_id}/delete")
async def end_follow(page: Shown, name: Name, follow_id: UUID) -> Response:
    await page.context.follows.delete(page.viewer, follow_id)
    return to(f"/projects/{name}/triggers?done=ended")


@router.get("/hooks/{hook_id}")
async def hook_page(page: Shown, name: Name, hook_id: UUID, done: str = "") -> Response:
    return await _hook(page, await _known(page, name, hook_id), done=_DONE.get(done, ""))


@router.post("/hooks/{hook_id}")
async def save_hook(page: Shown, name: Name, hook_id: UUID) -> Response:
    hook = await _known(page, name, hook_id)
    sent = Sent(await page.request.form())
    read = hook_form.rules_of(sent.text("rules"))
    try:
        change = HookChange(
            signing=_signing(sent.text("signing")),
            secret=sent.text("secret") or None,
            rules=tuple(read.rules),
            enabled=sent.text("enabled") == "1",
            unread=tuple(read.errors),
        )
        hook, told = await page.context.hooks.change(page.viewer, hook_id, change)
    except InvalidInput as exc:
        return await _hook(page, hook, exc, rules=sent.text("rules"), errors=hook_form.said_of(exc, read.lines))
    return await _hook(page, hook, told=told, done=_DONE["saved"])


@router.post("/hooks/{hook_id}/rotate")
async def rotate_hook(page: Shown, name: Name, hook_id: UUID) -> Response:
    await _known(page, name, hook_id)
    overlap = _overlap(Sent(await page.request.form()))
    hook, told = await page.context.hook_rotation.token(page.viewer, hook_id, overlap)
    return await _hook(page, hook, told=told)


@router.post("/hooks/{hook_id}/rotate-secret")
async def rotate_hook_secret(page: Shown, name: Name, hook_id: UUID) -> Response:
    hook = await _known(page, name, hook_id)
    sent = Sent(await page.request.form())
    try:
        hook, told = await page.context.hook_rotation.secret(
            page.viewer, hook_id, _overlap(sent), secret=sent.text("secret") or None
        )
    except (InvalidInput, Conflict) as exc:
        return await _hook(page, hook, exc, problem=exc.detail)
    return await _hook(page, hook, told=told, done="" if told.secret else _DONE["secret"])


@router.post("/hooks/{hook_id}/end-old/{which}")
async def end_old(page: Shown, name: Name, hook_id: UUID, which: Outdated) -> Response:
    await _known(page, name, hook_id)
    await page.context.hook_rotation.end(page.viewer, hook_id, which)
    return to(f"/projects/{name}/hooks/{hook_id}?done=old-{which}")


@router.post("/hooks/{hook_id}/revoke")
async def revoke_hook(page: Shown, name: Name, hook_id: UUID) -> Response:
    await page.context.hooks.revoke(page.viewer, hook_id)
    return to(f"/projects/{name}/triggers?done=revoked")


@router.post("/hooks/{hook_id}/test")
async def test_hook(page: Shown, name: Name, hook_id: UUID) -> Response:
    hook = await _known(page, name, hook_id)
    text = Sent(await page.request.form()).text("payload")
    try:
        tried = await page.context.hook_calls.test(page.viewer, hook_id, hook_form.payload_of(text))
    except ValueError as wrong:
        exc = InvalidInput(str(wrong), errors=[FieldError("/payload", str(wrong))])
        return await _hook(page, hook, exc, payload=text, errors=hook_form.said_of(exc))
    return await _hook(page, hook, payload=text, tried=tried)


@router.post("/hooks/{hook_id}/deliveries/{delivery_id}/replay")
async def replay(page: Shown, name: Name, hook_id: UUID, delivery_id: UUID) -> Response:
    hook = await _known(page, name, hook_id)
    try:
        await page.context.hook_calls.replay(page.viewer, hook_id, delivery_id, base=_base(page))
    except TaasError as exc:
        return await _hook(page, hook, exc, problem=exc.detail)
    return to(f"/projects/{name}/hooks/{hook_id}?done=replayed")


async def _triggers(page: Page, name: str, exc: TaasError | None = None, **values: Any) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    may_change(page.viewer, project)
    follows = (await page.context.follows.page(page.viewer, name, PageRequest(NEWEST))).items
    shown = {
        "project": project,
        "hooks": (await page.context.hooks.page(page.viewer, name, PageRequest(NEWEST * 3))).items,
        "follows": [(follow, await _last(page, follow.id)) for follow in follows],
        "followers": await page.context.follows.followers(page.viewer, project),
        "form": BLANK,
        "signings": SIGNINGS,
        **values,
    }
    return page.show("triggers", shown, exc.status if exc else 200)


async def _last(page: Page, follow_id: UUID) -> FollowStart | None:
    found = (await page.context.follows.starts(page.viewer, follow_id, PageRequest(1))).items
    return found[0] if found else None


async def _hook(page: Page, hook: Hook, exc: TaasError | None = None, **values: Any) -> Response:
    found = await page.context.hooks.deliveries(page.viewer, hook.id, page.paged(NEWEST))
    shown = {
        "hook": hook,
        "deliveries": found.items,
        "replays": {one.id: of_replay(page, hook.id, one.id) for one in found.items},
        "next_cursor": page.cursor(found.next),
        "snippets": snippets(_base(page), hook.project, hook.signing, hook.rules),
        "base": _base(page),
        "only_here": only_here(_base(page)),
        "rules": hook_form.text_of(hook.rules),
        "payload": pretty(example(hook.rules)),
        "tried": None,
        "told": NewSecrets(),
        "signings": SIGNINGS,
        "overlaps": [(key, words) for key, (_, words) in OVERLAPS.items()],
        **values,
    }
    return page.show("hook", shown, exc.status if exc else 200)


async def _known(page: Page, name: str, hook_id: UUID) -> Hook:
    hook = await page.context.hooks.get(page.viewer, hook_id)
    if hook.project != name:
        raise NotFound(f"{name} has no such hook.")
    return hook


def _base(page: Page) -> str:
    return (page.context.settings.public_url or str(page.request.base_url)).rstrip("/")


def _overlap(sent: Sent) -> timedelta:
    """What the form chose; raises `InvalidInput` for what it does not offer."""
    chosen = OVERLAPS.get(sent.text("overlap"))
    if chosen is None:
        detail = f"Choose one of {', '.join(OVERLAPS)}."
        raise InvalidInput(detail, errors=[FieldError("/overlap", detail)])
    return chosen[0]


def _signing(text: str) -> Signing:
    return Signing(text) if text in set(Signing) else Signing.NONE


SIGNINGS = [
    (Signing.NONE.value, "Nothing: whoever knows the address may call it"),
    (Signing.STANDARD.value, "Standard Webhooks (webhook-signature)"),
    (Signing.GITHUB.value, "GitHub (X-Hub-Signature-256)"),
]
_DONE = {
    "follows": "From now on it starts after each success of that project.",
    "ended": "It does not follow that project any more.",
    "revoked": "The hook was revoked: its address is worth nothing any more.",
    "secret": "From now on deliveries are signed with your new secret.",
    "old-token": "The address before is not accepted any more.",
    "old-secret": "The secret before is not accepted any more.",
    "saved": "Saved. Deliveries from now on are read this way.",
    "replayed": "Delivered again: it is the newest of the deliveries.",
}
