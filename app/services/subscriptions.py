"""Who wants to be told: webhooks and addresses of mail. Everybody has their own; admins see and change all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth.credentials import new_webhook_secret
from app.auth.seal import Sealer
from app.db import audit, projects, subscriptions
from app.db.engine import Database
from app.db.ids import new_id
from app.domain.access import Action, Principal, can
from app.domain.clock import Clock
from app.domain.notice import Channel, NoticeKind, Scope, Subscription
from app.domain.paging import Page, PageRequest
from app.domain.places import webhook_secret_place
from app.domain.subscribing import (
    SubscriptionDraft,
    checked_description,
    checked_kinds,
    checked_place,
    wrong,
)
from app.errors import Conflict, NotAllowed, NotFound
from app.services.access import require
from app.settings import Settings

MOST = 50
_WORDS = {Channel.WEBHOOK: "webhook", Channel.MAIL: "mail subscription"}


class SubscriptionService:
    """At most `MOST` a person."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._settings = settings

    @property
    def sends_mail(self) -> bool:
        """Whether this installation has a mail server."""
        return self._settings.smtp_host is not None

    async def create_webhook(self, principal: Principal, draft: SubscriptionDraft) -> tuple[Subscription, str]:
        """The webhook and its secret, which nobody can see again.

        Raises `NotAllowed`, `InvalidInput`, and `Conflict` when the person has too many.
        """
        subscription, secret = self._new(principal, Channel.WEBHOOK, draft), new_webhook_secret()
        sealed = self._sealer.seal(secret, webhook_secret_place(subscription.id))
        return await self._add(principal, subscription, draft, sealed), secret

    async def create_mail(self, principal: Principal, draft: SubscriptionDraft) -> Subscription:
        """Raises as `create_webhook`, and `Conflict` when there is no mail server."""
        if not self.sends_mail:
            detail = "This installation sends no mail yet: an admin has to set TAAS_SMTP_HOST. Use a webhook meanwhile."
            raise Conflict(detail, code="no_mail_server")
        return await self._add(principal, self._new(principal, Channel.MAIL, draft), draft, None)

    async def page(
        self, principal: Principal, channel: Channel, request: PageRequest, *, everybody: bool = False
    ) -> Page[Subscription]:
        """One's own, the newest first; `everybody`'s for admins. Raises `NotAllowed`."""
        if everybody:
            require(principal, Action.ADMINISTER)
        async with self._database.read() as connection:
            return await subscriptions.page(connection, channel, None if everybody else principal.user_id, request)

    async def get(self, principal: Principal, channel: Channel, subscription_id: UUID) -> Subscription:
        """Raises `NotFound`, also when it is somebody else's."""
        async with self._database.read() as connection:
            return await self.found(connection, principal, channel, subscription_id)

    async def change(
        self,
        principal: Principal,
        channel: Channel,
        subscription_id: UUID,
        *,
        target: str | None = None,
        kinds: tuple[NoticeKind, ...] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
    ) -> Subscription:
        """What is None stays. Raises `NotFound` and `InvalidInput`."""
        values: dict[str, Any] = {}
        if target is not None:
            place = checked_place(channel, target, self._settings.webhook_allowed_networks)
            values |= {"target": target, "place": place}
        if kinds is not None:
            values["kinds"] = [kind.value for kind in checked_kinds(kinds)]
        if description is not None:
            values["description"] = checked_description(description)
        if enabled:
            values |= {"disabled_at": None, "disabled_reason": ""}
        async with self._database.transaction() as connection:
            before = await self.found(connection, principal, channel, subscription_id, lock=True)
            if values:
                await subscriptions.change(connection, subscription_id, **values)
            if enabled is False and before.disabled_at is None:
                await subscriptions.disable(connection, subscription_id, f"{principal.name} disabled it.")
            await self._audit(connection, principal, channel, "change", subscription_id, fields=sorted(values))
            return await self.found(connection, principal, channel, subscription_id)

    async def rotate(
        self, principal: Principal, subscription_id: UUID, keep_old: timedelta
    ) -> tuple[Subscription, str]:
        """A new secret; the one before signs too for `keep_old`, and the one before that no more. Raises `NotFound`."""
        secret = new_webhook_secret()
        sealed = self._sealer.seal(secret, webhook_secret_place(subscription_id))
        async with self._database.transaction() as connection:
            await self.found(connection, principal, Channel.WEBHOOK, subscription_id, lock=True)
            await subscriptions.rotate(connection, subscription_id, sealed, keep_old)
            await self._audit(connection, principal, Channel.WEBHOOK, "rotate", subscription_id)
            return await self.found(connection, principal, Channel.WEBHOOK, subscription_id), secret

    async def delete(self, principal: Principal, channel: Channel, subscription_id: UUID) -> None:
        """What was on its way is not sent any more. Raises `NotFound`."""
        async with self._database.transaction() as connection:
            await self.found(connection, principal, channel, subscription_id, lock=True)
            await subscriptions.remove(connection, subscription_id)
            await self._audit(connection, principal, channel, "delete", subscription_id)

    async def found(
        self,
        connection: AsyncConnection,
        principal: Principal,
        channel: Channel,
        subscription_id: UUID,
        *,
        lock: bool = False,
    ) -> Subscription:
        """Somebody else's are not there, except for admins. Raises `NotFound`."""
        subscription = await subscriptions.by_id(connection, channel, subscription_id, lock=lock)
        own = subscription is not None and subscription.owner_id == principal.user_id
        if subscription is None or not (own or can(principal, Action.ADMINISTER)):
            raise NotFound(f"You have no such {_WORDS[channel]}.")
        return subscription

    def _new(self, principal: Principal, channel: Channel, draft: SubscriptionDraft) -> Subscription:
        require(principal, Action.CREATE)
        if draft.scope is Scope.ALL and not can(principal, Action.ADMINISTER):
            raise NotAllowed("Only an admin may be told about everybody's projects. Name a project, or take your own.")
        if draft.project is not None and draft.everything:
            raise wrong("/everything", "Name a project or ask for everything, not both.")
        now = self._clock()
        return Subscription(
            id=new_id(),
            channel=channel,
            owner_id=principal.user_id,
            owner=principal.name,
            scope=draft.scope,
            project_id=None,
            project=draft.project,
            kinds=checked_kinds(draft.kinds),
            target=draft.target,
            description=checked_description(draft.description),
            created_at=now,
            updated_at=now,
        )

    async def _add(
        self, principal: Principal, subscription: Subscription, draft: SubscriptionDraft, sealed: bytes | None
    ) -> Subscription:
        channel = subscription.channel
        place = checked_place(channel, draft.target, self._settings.webhook_allowed_networks)
        async with self._database.transaction() as connection:
            if draft.project is not None:
                project = await projects.by_name(connection, draft.project)
                if project is None:
                    raise wrong("/project", f"There is no project named {draft.project}.")
                subscription = replace(subscription, project_id=project.id)
            if await subscriptions.count(connection, principal.user_id) >= MOST:
                raise Conflict(f"You have {MOST} webhooks and mail subscriptions: delete one that you do not need.")
            await subscriptions.add(connection, subscription, place=place, sealed=sealed)
            await self._audit(connection, principal, channel, "create", subscription.id, place=place)
        return subscription

    async def _audit(
        self, connection: AsyncConnection, principal: Principal, channel: Channel, action: str, id_: UUID, **detail: Any
    ) -> None:
        await audit.record(connection, principal.name, f"{channel}.{action}", f"{channel}/{id_}", **detail)
