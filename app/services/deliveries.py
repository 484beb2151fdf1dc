"""What was sent to a webhook or an address, and having it sent again."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.db import audit, deliveries
from app.db.deliveries import Figures
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.notice import Channel, Delivery, Subscription
from app.domain.paging import Page, PageRequest
from app.errors import Conflict, NotFound
from app.services.subscriptions import SubscriptionService


class DeliveryService:
    """Sees what its subscription's owner and admins may see."""

    def __init__(self, database: Database, subscriptions: SubscriptionService) -> None:
        self._database = database
        self._subscriptions = subscriptions

    async def page(
        self, principal: Principal, channel: Channel, subscription_id: UUID, request: PageRequest
    ) -> Page[Delivery]:
        """The newest first. Raises `NotFound`."""
        async with self._database.read() as connection:
            await self._subscriptions.found(connection, principal, channel, subscription_id)
            return await deliveries.page(connection, subscription_id, request)

    async def problems(self, principal: Principal, shown: Sequence[Subscription]) -> dict[UUID, str]:
        """Of subscriptions that the person may see: why what was sent last did not arrive, where it did not."""
        async with self._database.read() as connection:
            return await deliveries.problems(connection, [one.id for one in shown])

    async def test(self, principal: Principal, channel: Channel, subscription_id: UUID) -> Delivery:
        """Send a notice that means nothing. Raises `NotFound`, and `Conflict` when it is disabled."""
        async with self._database.transaction() as connection:
            subscription = await self._subscriptions.found(connection, principal, channel, subscription_id, lock=True)
            if subscription.disabled_at is not None:
                raise Conflict("It is disabled: enable it first.")
            notice_id = await deliveries.test(connection, subscription_id)
            made = await deliveries.get(connection, subscription_id, notice_id)
            assert made is not None
            return made

    async def again(self, principal: Principal, channel: Channel, subscription_id: UUID, notice_id: UUID) -> Delivery:
        """Try it again on purpose, with the id it had. Raises `NotFound`, and `Conflict` when it is disabled."""
        async with self._database.transaction() as connection:
            subscription = await self._subscriptions.found(connection, principal, channel, subscription_id, lock=True)
            if subscription.disabled_at is not None:
                raise Conflict("It is disabled: enable it first.")
            if not await deliveries.again(connection, subscription_id, notice_id):
                raise NotFound("There is no such delivery; they are kept for 30 days.")
            await audit.record(connection, principal.name, f"{channel}.redeliver", f"{channel}/{subscription_id}")
            made = await deliveries.get(connection, subscription_id, notice_id)
            assert made is not None
            return made

    async def figures(self) -> Figures:
        """For whoever watches over the installation."""
        async with self._database.read() as connection:
            return await deliveries.figures(connection)
