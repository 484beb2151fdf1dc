"""Waiting for a training to change. No worker runs here."""

from __future__ import annotations

import asyncio

import httpx

from tests.support.projects import make_project, start
from tests.support.training_rows import set_state
from tests.support.web import Web

BEFORE_ITS_END = 20
"""Seconds: a wait of 30 that answers within them was told of the change, or looked by itself."""


async def test_a_wait_ends_as_soon_as_something_changes(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    address = f"/api/v1/trainings/{made['id']}"
    tag = (await member.get(address)).headers["ETag"]
    await web.context.listener.connected()
    waiting = asyncio.create_task(member.get(address, params={"wait": 30}, headers={"If-None-Match": tag}))
    await asyncio.wait({waiting}, timeout=0.3)
    assert not waiting.done()
    await set_state(web, made, "starting")
    answer = await asyncio.wait_for(waiting, BEFORE_ITS_END)
    assert (answer.status_code, answer.json()["state"]) == (200, "starting")
    assert answer.headers["ETag"] != tag
    again = member.get(address, params={"wait": 30}, headers={"If-None-Match": tag})
    at_once = await asyncio.wait_for(again, BEFORE_ITS_END)
    assert at_once.json()["state"] == "starting"


async def test_a_wait_without_a_change_ends_with_304(member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    address = f"/api/v1/trainings/{made['id']}"
    tag = (await member.get(address)).headers["ETag"]
    assert (await member.get(address, headers={"If-None-Match": tag})).status_code == 304
    ended = await member.get(address, params={"wait": 0.2}, headers={"If-None-Match": tag})
    assert (ended.status_code, ended.content, ended.headers["ETag"]) == (304, b"", tag)
    assert (await member.get(address, params={"wait": 0.1})).status_code == 200
    assert (await member.get(address, params={"wait": 61})).status_code == 422


async def test_a_wait_does_not_need_the_hint(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    address = f"/api/v1/trainings/{made['id']}"
    tag = (await member.get(address)).headers["ETag"]
    waiting = asyncio.create_task(member.get(address, params={"wait": 30}, headers={"If-None-Match": tag}))
    await asyncio.wait({waiting}, timeout=0.3)
    await set_state(web, made, "starting", hint=False)
    assert (await asyncio.wait_for(waiting, BEFORE_ITS_END)).json()["state"] == "starting"


async def test_a_wait_ends_when_the_process_does(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    waiting = asyncio.create_task(member.get(f"/api/v1/trainings/{made['id']}", params={"wait": 30}))
    await asyncio.wait({waiting}, timeout=0.3)
    web.context.closing.set()
    assert (await asyncio.wait_for(waiting, BEFORE_ITS_END)).status_code == 200
