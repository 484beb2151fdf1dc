"""Who asks for what would be removed, and what removes it once an hour."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
from typer.testing import CliRunner

from app.cli import main
from app.scheduler.chores import Chores
from app.scheduler.connection import Connection
from tests.support.retention import DAY, over, retaining, with_logs
from tests.support.web import Web


async def test_a_worker_does_it_once_an_hour(web: Web) -> None:
    await over(web, days=9)
    context = web.context
    connection = Connection(context.settings, "test", lambda _: None, lambda _: None)
    parts = (
        retaining(web, keep_logs=DAY),
        context.firing,
        context.listener,
        context.chains,
        context.backfills,
        context.dead_man,
        context.promotions,
    )
    chores = Chores(context.settings, context.database, connection, "w", *parts)
    job = chores._clock._scheduler.get_job("remove what is older than it is kept")
    assert job.trigger.interval == timedelta(hours=1)
    await job.func()
    assert await with_logs(web) == set()


async def test_the_preview_is_for_admins(web: Web, admin: httpx.AsyncClient, member: httpx.AsyncClient) -> None:
    address = "/api/v1/retention/preview"
    assert (await member.get(address)).status_code == 403
    assert (await web.client().get(address)).status_code == 401
    nothing_goes = {"trainings": 0, "log_bytes": 0, "oldest": None}
    assert (await admin.get(address)).json() == {
        "keep_records": None,
        "keep_logs": None,
        "keep_audit": None,
        "records": nothing_goes,
        "logs": nothing_goes,
        "endpoints": {"endpoints": 0, "oldest": None},
        "bundles": {"bundles": 0, "size": 0, "oldest": None},
        "audit": {"entries": 0, "oldest": None},
    }


async def test_the_command_tells_what_would_go(web: Web, database_url: str, tmp_path: Path) -> None:
    await over(web, days=9)
    environment = {
        "TAAS_DATABASE_URL": database_url,
        "TAAS_HOME": str(tmp_path),
        "TAAS_KEEP_LOGS": "P7D",
        "TAAS_STORAGE_URL": web.context.settings.objects_url,
    }
    told = await asyncio.to_thread(CliRunner(env=environment).invoke, main, ["retention", "preview"])
    assert told.exit_code == 0, told.output
    assert "Records: all are kept (TAAS_KEEP_RECORDS is not set)" in told.output
    assert "older than 7 days (TAAS_KEEP_LOGS): 1 trainings, 8 bytes of logs, the oldest of" in told.output
    short = CliRunner(env=environment | {"TAAS_KEEP_LOGS": "90"}).invoke(main, ["retention", "preview"])
    assert short.exit_code == 1
    assert "TAAS_KEEP_LOGS" in short.output
    assert len(await with_logs(web)) == 1
