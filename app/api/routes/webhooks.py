"""/webhooks: programs that want to be told what happens to trainings."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.api.deps import Ctx, Listing, Me, Paged
from app.api.problems import documented
from app.api.schemas.notices import (
    DeliveryOut,
    NewWebhookOut,
    RotateIn,
    WebhookChangeIn,
    WebhookIn,
    WebhookOut,
)
from app.domain.notice import Channel

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
WEBHOOK = Channel.WEBHOOK

Everybody = Annotated[bool, Query(description="Not only your own; for admins.")]


@router.post("", status_code=201, responses=documented(409))
async def create_webhook(body: WebhookIn, response: Response, me: Me, context: Ctx) -> NewWebhookOut:
    """Have a program told. The secret that signs its messages is in this answer and nowhere else."""
    webhook, secret = await context.subscriptions.create_webhook(me, body.draft(body.url))
    response.headers["Location"] = f"/api/v1/webhooks/{webhook.id}"
    return NewWebhookOut.with_secret(webhook, secret)


@router.get("", responses=documented())
async def list_webhooks(me: Me, context: Ctx, paging: Paged, everybody: Everybody = False) -> Listing[WebhookOut]:
    """Your webhooks, the newest first."""
    found = await context.subscriptions.page(me, WEBHOOK, paging.request, everybody=everybody)
    return paging.listing(found, WebhookOut.of)


@router.get("/{webhook_id}", responses=documented(404))
async def get_webhook(webhook_id: UUID, me: Me, context: Ctx) -> WebhookOut:
    """One webhook."""
    return WebhookOut.of(await context.subscriptions.get(me, WEBHOOK, webhook_id))


@router.patch("/{webhook_id}", responses=documented(404))
async def change_webhook(webhook_id: UUID, body: WebhookChangeIn, me: Me, context: Ctx) -> WebhookOut:
    """Change where it is, what it is told, or whether it is enabled. Disabling gives up what is on its way."""
    webhook = await context.subscriptions.change(
        me,
        WEBHOOK,
        webhook_id,
        target=body.url,
        kinds=body.kinds,
        description=body.description,
        enabled=body.enabled,
    )
    return WebhookOut.of(webhook)


@router.delete("/{webhook_id}", status_code=204, responses=documented(404))
async def delete_webhook(webhook_id: UUID, me: Me, context: Ctx) -> None:
    """Tell it nothing more; its deliveries go with it."""
    await context.subscriptions.delete(me, WEBHOOK, webhook_id)


@router.post("/{webhook_id}/rotate", responses=documented(404))
async def rotate_webhook_secret(webhook_id: UUID, body: RotateIn, me: Me, context: Ctx) -> NewWebhookOut:
    """A new secret, shown this once. For `keep_old` the one before signs too; an older one ends at once."""
    return NewWebhookOut.with_secret(*await context.subscriptions.rotate(me, webhook_id, body.keep_old))


@router.post("/{webhook_id}/test", status_code=202, responses=documented(404, 409))
async def test_webhook(webhook_id: UUID, me: Me, context: Ctx) -> DeliveryOut:
    """Send it a notice of type `webhook.test`; see its deliveries for what became of it."""
    return DeliveryOut.of(await context.deliveries.test(me, WEBHOOK, webhook_id))


@router.get("/{webhook_id}/deliveries", responses=documented(404))
async def list_webhook_deliveries(webhook_id: UUID, me: Me, context: Ctx, paging: Paged) -> Listing[DeliveryOut]:
    """What it was told in the last 30 days and how that went, the newest first."""
    return paging.listing(await context.deliveries.page(me, WEBHOOK, webhook_id, paging.request), DeliveryOut.of)


@router.post("/{webhook_id}/deliveries/{delivery_id}/redeliver", status_code=202, responses=documented(404, 409))
async def redeliver(webhook_id: UUID, delivery_id: UUID, me: Me, context: Ctx) -> DeliveryOut:
    """Send it again on purpose, with the same `webhook-id`."""
    return DeliveryOut.of(await context.deliveries.again(me, WEBHOOK, webhook_id, delivery_id))
