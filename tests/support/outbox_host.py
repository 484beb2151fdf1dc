"""A process that does nothing but send notices, to be killed: `python -m tests.support.outbox_host URL HOME`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from app.context import build_context
from app.db.engine import Database
from app.scheduler.outbox import Outbox
from tests.support.receiver import LOOPBACK
from tests.support.web import settings_for_tests


async def send(url: str, home: Path) -> None:
    context = build_context(settings_for_tests(home, webhook_allowed_networks=LOOPBACK), Database(url))
    await context.listener.start()
    await Outbox(context.database, context.listener, context.sealer, context.settings).run()


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], Path(sys.argv[2])))
