"""A sender that is killed in the middle loses nothing, and what is sent once more has the id it had."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import web

from app.db.engine import Database
from app.scheduler.outbox import AT_ONCE_PER_PLACE
from tests.support.posting import Post
from tests.support.receiver import Received, receiver
from tests.support.waiting import eventually

NOTICES = 20
KILLED_AT = 6


async def test_a_killed_sender_loses_nothing_and_makes_up_nothing(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    post = await Post.create(database, tmp_path)
    async with receiver() as there:
        await post.webhook(there.url)
        for _ in range(NOTICES):
            await post.tell()
        command = [sys.executable, "-m", "tests.support.outbox_host", database_url, str(tmp_path)]
        sender = subprocess.Popen(command)

        def kill(_: Received) -> web.Response:
            if len(there.got) == KILLED_AT:
                sender.kill()
            return web.Response()

        there.answer = kill
        try:
            await there.wait(KILLED_AT)
        finally:
            sender.kill()
            sender.wait()
        left = [row for row in await post.rows() if row["state"] == "pending"]
        assert NOTICES - KILLED_AT <= len(left) < NOTICES
        # What the dead one held is due again when its claim runs out.
        await post.let_pass()

        async def sent() -> list[Any]:
            rows = await post.rows()
            return rows if {row["state"] for row in rows} == {"sent"} else []

        async with post.running():
            await there.wait(KILLED_AT + len(left))
            rows = await eventually(sent)
    times = Counter(got.headers["webhook-id"] for got in there.got)
    assert set(times) == {f"evt_{row['notice_id'].hex}" for row in rows}
    assert max(times.values()) <= 2
    assert sum(count - 1 for count in times.values()) <= AT_ONCE_PER_PLACE
