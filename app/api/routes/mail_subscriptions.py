"""/mail-subscriptions: people who want to be told by e-mail."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import Ctx, Listing, Me, Paged
from app.api.problems import documented
from app.api.routes.webhooks import Everybody
from app.api.schemas.notices import (
    DeliveryOut,
    MailSubscriptionChangeIn,
    MailSubscriptionIn,
    MailSubscriptionOut,
)
from app.domain.notice import Channel

router = APIRouter(prefix="/mail-subscriptions", tags=["mail-subscriptions"])
MAIL = Channel.MAIL


@router.post("", status_code=201, responses=documented(409))
async def create_mail_subscription(
    body: MailSubscriptionIn, response: Response, me: Me, context: Ctx
) -> MailSubscriptionOut:
    """Have somebody told by mail. Refused with 409 when the installation has no mail server."""
    subscription = await context.subscriptions.create_mail(me, body.draft(body.address))
    response.headers["Location"] = f"/api/v1/mail-subscriptions/{subscription.id}"
    return MailSubscriptionOut.of(subscription)


@router.get("", responses=documented())
async def list_mail_subscriptions(
    me: Me, context: Ctx, paging: Paged, everybody: Everybody = False
) -> Listing[MailSubscriptionOut]:
    """Your mail subscriptions, the newest first."""
    found = await context.subscriptions.page(me, MAIL, paging.request, everybody=everybody)
    return paging.listing(found, MailSubscriptionOut.of)


@router.get("/{subscription_id}", responses=documented(404))
async def get_mail_subscription(subscription_id: UUID, me: Me, context: Ctx) -> MailSubscriptionOut:
    """One mail subscription."""
    return MailSubscriptionOut.of(await context.subscriptions.get(me, MAIL, subscription_id))


@router.patch("/{subscription_id}", responses=documented(404))
async def change_mail_subscription(
    subscription_id: UUID, body: MailSubscriptionChangeIn, me: Me, context: Ctx
) -> MailSubscriptionOut:
    """Change the address, what is told, or whether it is enabled."""
    subscription = await context.subscriptions.change(
        me,
        MAIL,
        subscription_id,
        target=body.address,
        kinds=body.kinds,
        description=body.description,
        enabled=body.enabled,
    )
    return MailSubscriptionOut.of(subscription)


@router.delete("/{subscription_id}", status_code=204, responses=documented(404))
async def delete_mail_subscription(subscription_id: UUID, me: Me, context: Ctx) -> None:
    """Send no more mail for it."""
    await context.subscriptions.delete(me, MAIL, subscription_id)


@router.post("/{subscription_id}/test", status_code=202, responses=documented(404, 409))
async def test_mail_subscription(subscription_id: UUID, me: Me, context: Ctx) -> DeliveryOut:
    """Send a mail that means nothing; see its deliveries for what became of it."""
    return DeliveryOut.of(await context.deliveries.test(me, MAIL, subscription_id))


@router.get("/{subscription_id}/deliveries", responses=documented(404))
async def list_mail_deliveries(subscription_id: UUID, me: Me, context: Ctx, paging: Paged) -> Listing[DeliveryOut]:
    """What was sent in the last 30 days and how that went, the newest first."""
    return paging.listing(await context.deliveries.page(me, MAIL, subscription_id, paging.request), DeliveryOut.of)


@router.post("/{subscription_id}/deliveries/{delivery_id}/redeliver", status_code=202, responses=documented(404, 409))
async def redeliver_mail(subscription_id: UUID, delivery_id: UUID, me: Me, context: Ctx) -> DeliveryOut:
    """Send it again on purpose, with the same `Message-ID`."""
    return DeliveryOut.of(await context.deliveries.again(me, MAIL, subscription_id, delivery_id))
