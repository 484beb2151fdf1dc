"""Who is told what: one's webhooks and mail subscriptions, and what became of each delivery."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.domain.access import Action, can
from app.domain.notice import CHOOSABLE, Channel, NoticeKind, Subscription
from app.domain.paging import PageRequest
from app.domain.subscribing import SubscriptionDraft, checked_kinds
from app.errors import Conflict, InvalidInput, TaasError
from app.services.subscriptions import MOST
from app.ui.fields import Sent
from app.ui.page import Page, Shown, field_errors, to

router = APIRouter(prefix="/notices")

KEEP_OLD = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
USUAL = (NoticeKind.FAILED, NoticeKind.TIMED_OUT, NoticeKind.LATE, NoticeKind.MISSED, NoticeKind.SCHEDULE_PAUSED)


class Part(StrEnum):
    """How addresses of pages name a channel."""

    WEBHOOKS = "webhooks"
    MAIL = "mail"

    @property
    def channel(self) -> Channel:
        return Channel.WEBHOOK if self is Part.WEBHOOKS else Channel.MAIL


@router.get("")
async def notices_page(page: Shown, project: Annotated[str, Query(max_length=63)] = "", done: str = "") -> Response:
    return await _list(page, _blank(project), done=_DONE.get(done, ""))


@router.post("/{part}")
async def subscribe(page: Shown, part: Part) -> Response:
    sent = Sent(await page.request.form())
    form = {name: sent.text(name) for name in ("target", "project", "description")}
    kinds = sent.all("kinds")
    everything = bool(sent.text("everything"))
    shown = {**form, "kinds": kinds, "everything": everything, "part": part.value}
    service = page.context.subscriptions
    try:
        chosen = checked_kinds(_kinds(kinds))
        draft = SubscriptionDraft(form["target"], chosen, form["project"] or None, everything, form["description"])
        if part is Part.WEBHOOKS:
            made, secret = await service.create_webhook(page.viewer, draft)
            return await _one(page, part, made, secret=secret)
        made = await service.create_mail(page.viewer, draft)
    except InvalidInput as exc:
        return await _list(page, shown, errors=_errors(exc), status=422)
    except Conflict as exc:
        return await _list(page, shown, problem=exc.detail, status=409)
    return to(f"/notices/mail/{made.id}?done=made")


@router.get("/{part}/{id_}")
async def subscription_page(page: Shown, part: Part, id_: UUID, done: str = "") -> Response:
    return await _one(page, part, await _get(page, part, id_), done=_DONE.get(done, ""))


@router.post("/{part}/{id_}")
async def save(page: Shown, part: Part, id_: UUID) -> Response:
    sent = Sent(await page.request.form())
    target, kinds, description = sent.text("target"), sent.all("kinds"), sent.text("description")
    try:
        await page.context.subscriptions.change(
            page.viewer,
            part.channel,
            id_,
            target=target,
            kinds=checked_kinds(_kinds(kinds)),
            description=description,
        )
    except InvalidInput as exc:
        form = {"target": target, "kinds": kinds, "description": description}
        return await _one(page, part, await _get(page, part, id_), form=form, errors=_errors(exc), status=422)
    return to(f"/notices/{part}/{id_}?done=saved")


@router.post("/{part}/{id_}/enable")
async def enable(page: Shown, part: Part, id_: UUID) -> Response:
    await page.context.subscriptions.change(page.viewer, part.channel, id_, enabled=True)
    return to(f"/notices/{part}/{id_}?done=enabled")


@router.post("/{part}/{id_}/disable")
async def disable(page: Shown, part: Part, id_: UUID) -> Response:
    await page.context.subscriptions.change(page.viewer, part.channel, id_, enabled=False)
    return to(f"/notices/{part}/{id_}?done=disabled")


@router.post("/{part}/{id_}/test")
async def send_test(page: Shown, part: Part, id_: UUID) -> Response:
    try:
        await page.context.deliveries.test(page.viewer, part.channel, id_)
    except Conflict as exc:
        return await _one(page, part, await _get(page, part, id_), problem=exc.detail, status=409)
    return to(f"/notices/{part}/{id_}?done=test")


@router.post("/webhooks/{id_}/rotate")
async def rotate(page: Shown, id_: UUID) -> Response:
    keep = Sent(await page.request.form()).text("keep_old")
    if keep not in KEEP_OLD:
        found, problem = await _get(page, Part.WEBHOOKS, id_), "Choose how long the present secret signs too."
        return await _one(page, Part.WEBHOOKS, found, problem=problem, status=422)
    made, secret = await page.context.subscriptions.rotate(page.viewer, id_, KEEP_OLD[keep])
    return await _one(page, Part.WEBHOOKS, made, secret=secret)


@router.post("/{part}/{id_}/delete")
async def delete(page: Shown, part: Part, id_: UUID) -> Response:
    await page.context.subscriptions.delete(page.viewer, part.channel, id_)
    return to("/notices?done=deleted")


@router.post("/{part}/{id_}/deliveries/{notice_id}/redeliver")
async def redeliver(page: Shown, part: Part, id_: UUID, notice_id: UUID) -> Response:
    try:
        await page.context.deliveries.again(page.viewer, part.channel, id_, notice_id)
    except Conflict as exc:
        return await _one(page, part, await _get(page, part, id_), problem=exc.detail, status=409)
    return to(f"/notices/{part}/{id_}?done=again")


async def _list(page: Page, form: dict[str, Any], *, status: int = 200, **values: Any) -> Response:
    service, request = page.context.subscriptions, PageRequest(MOST)
    hooks = (await service.page(page.viewer, Channel.WEBHOOK, request)).items
    mails = (await service.page(page.viewer, Channel.MAIL, request)).items
    shown = {
        "hooks": hooks,
        "mails": mails,
        "problems": await page.context.deliveries.problems(page.viewer, [*hooks, *mails]),
        "sends_mail": service.sends_mail,
        "is_admin": can(page.viewer, Action.ADMINISTER),
        "choosable": CHOOSABLE,
        "form": form,
        **values,
    }
    return page.show("notices", shown, status)


async def _one(page: Page, part: Part, one: Subscription, *, status: int = 200, **values: Any) -> Response:
    # After a POST the address is another one, and cursors of the list do not belong to it.
    request = page.paged() if page.request.method == "GET" else PageRequest()
    found = await page.context.deliveries.page(page.viewer, part.channel, one.id, request)
    shown = {
        "one": one,
        "part": part.value,
        "address": f"/notices/{part}/{one.id}",
        "deliveries": found.items,
        "next_cursor": page.cursor(found.next) if page.request.method == "GET" else None,
        "choosable": CHOOSABLE,
        "form": {"target": one.target, "kinds": [*map(str, one.kinds)], "description": one.description},
        "secret": "",
        **values,
    }
    return page.show("notices_one", shown, status)


async def _get(page: Page, part: Part, id_: UUID) -> Subscription:
    return await page.context.subscriptions.get(page.viewer, part.channel, id_)


def _blank(project: str) -> dict[str, Any]:
    kinds = [*map(str, USUAL)]
    return {
        "target": "", "project": project, "description": "", "kinds": kinds, "everything": False, "part": "",
    }  # fmt: skip


def _kinds(texts: list[str]) -> list[NoticeKind]:
    """Those that are kinds; a form of ours sends no others."""
    return [NoticeKind(text) for text in texts if text in CHOOSABLE]


def _errors(exc: TaasError) -> dict[str, str]:
    """The two channels have one form, whose field for where it goes is `target`."""
    names = {"/url": "/target", "/address": "/target"}
    return {names.get(pointer, pointer): detail for pointer, detail in field_errors(exc).items()}


_DONE = {
    "made": "You will be told from now on. Send a test to see whether it arrives.",
    "saved": "Saved.",
    "enabled": "It is enabled again. What was given up meanwhile can be sent again below.",
    "disabled": "It is disabled: nothing more is sent until you enable it.",
    "test": "A test is on its way. Load the page again in a moment to see what became of it.",
    "again": "It is sent again, with the id that it had.",
    "deleted": "Deleted. Nothing more is sent there.",
}
