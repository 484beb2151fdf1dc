"""An outbox over a test's database, driven by hand or running, and webhooks straight into the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from app.auth.credentials import new_webhook_secret
from app.context import Context, build_context
from app.db import notices
from app.db.engine import Database
from app.db.ids import new_id
from app.db.tables import deliveries, subscriptions
from app.domain.notice import NoticeKind
from app.domain.places import webhook_secret_place
from app.domain.webhook_url import parse_url
from app.scheduler.outbox import Outbox
from app.scheduler.webhooks import Poster
from tests.support.notices import subscribe, told
from tests.support.receiver import LOOPBACK
from tests.support.trainings import Maker
from tests.support.web import settings_for_tests


@dataclass
class Post:
    """A project, an outbox, and short ways to use them."""

    context: Context
    maker: Maker
    outbox: Outbox

    @classmethod
    async def create(cls, database: Database, home: Any, **changes: Any) -> Post:
        changes = {"webhook_allowed_networks": LOOPBACK, "sweep_seconds": 0.1, **changes}
        context = build_context(settings_for_tests(home, **changes), database)
        return cls(context, await Maker.create(context), cls._outbox(context))

    @staticmethod
    def _outbox(context: Context, **parts: Any) -> Outbox:
        return Outbox(context.database, context.listener, context.sealer, context.settings, **parts)

    def other(self, poster: Poster | None = None, **parts: Any) -> Outbox:
        """Another worker's, or one with parts of the test's own."""
        return self._outbox(self.context, poster=poster, **parts)

    async def webhook(self, url: str, **values: Any) -> tuple[UUID, str]:
        """A webhook for all that its owner's projects do, and its secret."""
        id_, secret = new_id(), new_webhook_secret()
        sealed = self.context.sealer.seal(secret, webhook_secret_place(id_))
        place = parse_url(url, self.context.settings.webhook_allowed_networks).place
        row = {"id": id_, "channel": "webhook", "target": url, "place": place, "secret": sealed, **values}
        await subscribe(self.context.database, self.maker.owner_id, **row)
        return id_, secret

    async def tell(self, kind: NoticeKind = NoticeKind.FAILED, **data: Any) -> None:
        data = {"project": self.maker.name, "number": 7, "reason": "task_failed", "message": "private", **data}
        async with self.context.database.transaction() as connection:
            await notices.tell(connection, kind, project_id=self.maker.project_id, training_id=new_id(), data=data)

    async def send(self, outbox: Outbox | None = None) -> int:
        """Try everything that is due now, at once; gives how many."""
        outbox = outbox or self.outbox
        claimed = await outbox.claim()
        await asyncio.gather(*map(outbox.deliver, claimed))
        return len(claimed)

    async def let_pass(self, time: timedelta = timedelta(days=2)) -> None:
        """As if that time had passed for everything that waits."""
        async with self.context.database.transaction() as connection:
            waiting = update(deliveries).where(deliveries.c.state == "pending")
            await connection.execute(waiting.values(due_at=deliveries.c.due_at - time))

    async def rows(self, subscription_id: UUID | None = None) -> list[Any]:
        return await told(self.context.database, subscription_id)

    async def change(self, subscription_id: UUID, **values: Any) -> None:
        async with self.context.database.transaction() as connection:
            here = subscriptions.c.id == subscription_id
            await connection.execute(update(subscriptions).where(here).values(**values))

    @asynccontextmanager
    async def running(self, outbox: Outbox | None = None) -> AsyncIterator[None]:
        """The loop of a worker, for the length of the block."""
        await self.context.listener.start()
        task = asyncio.create_task((outbox or self.outbox).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            await self.context.listener.close()
