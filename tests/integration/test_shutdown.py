"""The real web process is told to end while people watch: their streams end in order, none is cut off."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import httpx

from tests.support.projects import make_project, start
from tests.support.server import web_process
from tests.support.visitor import BROWSER
from tests.support.web import PASSWORD

WITHIN = 60


async def test_open_streams_end_when_the_process_does(database_url: str, tmp_path: Path) -> None:
    async with (
        web_process(database_url, tmp_path, TAAS_ADMIN_PASSWORD=PASSWORD) as web,
        httpx.AsyncClient(
            base_url=web.url, headers={"Authorization": f"Bearer {web.token}"}, timeout=WITHIN
        ) as program,
        httpx.AsyncClient(base_url=web.url, headers=BROWSER, timeout=WITHIN) as browser,
    ):
        await make_project(program)
        training = (await start(program))["id"]
        await browser.post("/login", data={"name": "admin", "password": PASSWORD})
        async with (
            program.stream("GET", f"/api/v1/trainings/{training}/logs?follow=true") as log,
            browser.stream("GET", f"/live/trainings/{training}") as page,
        ):
            assert (log.status_code, page.status_code) == (200, 200)
            parts = page.aiter_bytes()
            assert b"training-head" in await anext(parts)
            os.kill(web.pid, signal.SIGTERM)
            # A stream that uvicorn has to cut off ends without its last chunk, and that raises here.
            async with asyncio.timeout(WITHIN):
                assert await log.aread() == b""
                async for _ in parts:
                    pass
