"""The host of an endpoint: who gets in, what passes, and what never does. A real server, a real program behind it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from app.domain.access import UserRole
from app.domain.endpoints.endpoint import Endpoint
from tests.support.served import served
from tests.support.trainings import Maker
from tests.support.upstream import MIB, Upstream, running_board, upstream, write
from tests.support.visitor import BROWSER
from tests.support.waiting import eventually
from tests.support.web import PASSWORD, Web

LIMIT = 60  # seconds of patience


@dataclass
class Site:
    """TaaS on a real socket, an endpoint of it, and the program behind that."""

    web: Web
    url: str
    board: Endpoint
    program: Upstream

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def host_of(self, board: Endpoint) -> str:
        return f"{board.id.hex}.localhost:{self.port}"

    @property
    def host(self) -> str:
        return self.host_of(self.board)


@pytest.fixture
async def site(web: Web) -> AsyncIterator[Site]:
    async with upstream() as program, served(web) as url:
        board = await running_board(web, await Maker.create(web.context), program.address)
        yield Site(web, url, board, program)


@asynccontextmanager
async def browser(site: Site, name: str, role: UserRole = UserRole.MEMBER) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody new, logged in to TaaS itself."""
    await site.web.person(name, role)
    async with httpx.AsyncClient(base_url=site.url, headers=BROWSER, timeout=LIMIT) as client:
        answer = await client.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        yield client


async def ticket(site: Site, client: httpx.AsyncClient, board: Endpoint | None = None) -> str:
    """The path with the ticket at the endpoint's host."""
    wanted = board or site.board
    answer = await client.get(f"/tensorboards/{wanted.id}/open")
    assert answer.status_code == 303, answer.text
    where = urlsplit(answer.headers["location"])
    assert where.netloc == site.host_of(wanted)
    return f"{where.path}?{where.query}"


async def at_host(site: Site, path: str, host: str = "", **headers: str) -> httpx.Response:
    """A request at the endpoint's host, without cookies unless they are among the headers."""
    async with httpx.AsyncClient(base_url=site.url, timeout=LIMIT) as client:
        return await client.get(path, headers={"Host": host or site.host, **headers})


async def entered(site: Site, client: httpx.AsyncClient, board: Endpoint | None = None) -> dict[str, str]:
    """The headers by which that browser is let in from now on."""
    wanted = board or site.board
    answer = await at_host(site, await ticket(site, client, wanted), site.host_of(wanted))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    given = answer.headers["set-cookie"]
    assert "HttpOnly" in given
    assert "SameSite=Lax" in given
    assert "Domain" not in given
    return {"Cookie": given.split(";")[0]}


@asynccontextmanager
async def socket(site: Site, headers: dict[str, str], origin: str | None = "") -> AsyncIterator[ClientConnection]:
    where = Origin(f"http://{site.host}") if origin == "" else Origin(origin) if origin else None
    async with connect(
        f"ws://{site.host}/socket",
        host="127.0.0.1",
        port=site.port,
        origin=where,
        additional_headers=headers,
        max_size=16 * MIB,
        subprotocols=["chat"],  # type: ignore[list-item]
        proxy=None,
    ) as made:
        yield made


async def test_a_ticket_lets_in_once_and_only_there(site: Site) -> None:
    other = await running_board(site.web, await Maker.create(site.web.context), site.program.address)
    async with browser(site, "ben") as client:
        path = await ticket(site, client)
        assert (await at_host(site, path, site.host_of(other))).status_code == 401
        assert (await at_host(site, path)).status_code == 303
        assert (await at_host(site, path)).status_code == 401
        mine = await entered(site, client)
        assert (await at_host(site, "/", **mine)).text == site.program.page
        assert (await at_host(site, "/", site.host_of(other), **mine)).status_code == 401
        # TaaS's own cookie is worth nothing there.
        own = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        assert (await at_host(site, "/", Cookie=own)).status_code == 401
        assert "ticket" not in "".join(site.program.requests)


async def test_nobody_gets_anything_without_a_login(site: Site) -> None:
    for path in ("/", "/echo", "/.taas/enter?ticket=x", "/.taas/enter"):
        answer = await at_host(site, path, Accept="text/html")
        assert answer.status_code == 401, path
        assert f"/tensorboards/{site.board.id}/open" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await at_host(site, "/")).headers["content-type"] == "application/problem+json"
    with pytest.raises(InvalidStatus):
        async with socket(site, {}):
            pass
    assert site.program.requests == []


async def test_a_token_lets_a_program_in(site: Site) -> None:
    principal = await site.web.person("pro")
    _, secret = await site.web.context.tokens.create(principal, "t", None)
    answer = await at_host(site, "/echo", Authorization=f"Bearer {secret}")
    assert answer.status_code == 200
    assert secret not in answer.text
    assert (await at_host(site, "/echo", Authorization="Bearer taas_wrong")).status_code == 401


async def test_identity_stays_here_and_cookies_stay_there(site: Site) -> None:
    async with browser(site, "ben") as client:
        mine = await entered(site, client)
        lies = {"X-Forwarded-User": "root", "Kubeflow-Userid": "root"}
        told = {**lies, "X-Kept": "yes", "Connection": "x-hop", "X-Hop": "1"}
        answer = await at_host(site, "/echo?a=%2F%20b&c", **{**told, "Cookie": f"{mine['Cookie']}; other=1"})
        assert answer.status_code == 200
        seen = {name.lower() for name in answer.json()["headers"]}
        assert not seen & {"cookie", "authorization", "x-forwarded-user", "kubeflow-userid", "x-hop"}
        assert "x-kept" in seen
        assert answer.json()["target"] == "/echo?a=%2F%20b&c"
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "private, max-age=60"
        page = await at_host(site, "/", **mine)
        assert "access-control-allow-origin" not in page.headers
        assert "connect-src 'self'" in page.headers["content-security-policy"]
        assert page.headers["cross-origin-resource-policy"] == "same-origin"
        assert (await at_host(site, "/redirect", **mine)).headers["location"] == "/echo"


async def test_other_sites_may_link_here_and_nothing_else(site: Site) -> None:
    async with browser(site, "ben") as client:
        mine = await entered(site, client)
        for where, mode, destination, status in (
            ("same-origin", "cors", "empty", 200),
            ("none", "navigate", "document", 200),
            ("cross-site", "navigate", "document", 200),
            ("cross-site", "navigate", "iframe", 403),
            ("same-site", "no-cors", "image", 403),
            ("cross-site", "cors", "empty", 403),
        ):
            sent = {"Sec-Fetch-Site": where, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}
            answer = await at_host(site, "/echo", **mine, **sent)
            assert answer.status_code == status, sent


@pytest.mark.parametrize("how", ["log out", "disable", "end the session", "stop"])
async def test_whoever_loses_their_rights_is_out(site: Site, how: str) -> None:
    async with browser(site, "ben") as client, browser(site, "ada", UserRole.ADMIN) as admin:
        mine = await entered(site, client)
        async with socket(site, mine) as held:
            await held.send("hello")
            assert await held.recv() == "hello"
            flowing = asyncio.Event()
            stream = asyncio.create_task(_read_until_cut(site, mine, flowing))
            async with asyncio.timeout(LIMIT):
                await flowing.wait()
            assert site.program.open_sockets == 1
            if how == "log out":
                await client.post("/logout")
            elif how == "disable":
                await site.web.context.accounts.change(
                    await site.web.context.accounts.by_session(_secret(admin)), "ben", disabled=True
                )
            elif how == "end the session":
                async with site.web.context.database.transaction() as connection:
                    await connection.execute(text("UPDATE sessions SET expires_at = now()"))
            else:
                await write(site.web, site.board.id, "state = 'stopping', addresses = '{}'")
            with pytest.raises(ConnectionClosed) as closed:
                async with asyncio.timeout(LIMIT):
                    await held.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
            await stream
        answer = await at_host(site, "/echo", **mine)
        assert answer.status_code == (503 if how == "stop" else 401)
        await eventually(lambda: _there(site.program.open_sockets == 0))


async def test_websockets_pass_both_ways(site: Site) -> None:
    async with browser(site, "ben") as client:
        mine = await entered(site, client)
        async with socket(site, mine) as held:
            assert held.subprotocol == "chat"
            await held.send("grüße")
            assert await held.recv() == "grüße"
            large = os.urandom(4 * MIB)
            await held.send(large)
            assert await held.recv() == large
            await held.send("headers")
            seen = {name.lower() for name in json.loads(await held.recv())}
            assert not seen & {"cookie", "authorization"}
        await eventually(lambda: _there(site.program.open_sockets == 0))
        for origin in (site.url, "http://evil.example", "null", None):
            with pytest.raises(InvalidStatus):
                async with socket(site, mine, origin=origin):
                    pass


async def test_a_hundred_megabytes_pass_without_being_held(site: Site) -> None:
    async with browser(site, "ben") as client:
        mine = await entered(site, client)
        async with httpx.AsyncClient(base_url=site.url, timeout=LIMIT) as other:
            start, most, size = _resident(), 0, 0
            async with other.stream("GET", "/big?mib=100", headers={"Host": site.host, **mine}) as answer:
                assert answer.headers["content-length"] == str(100 * MIB)
                async for piece in answer.aiter_raw():
                    size += len(piece)
                    most = max(most, _resident())
            assert size == 100 * MIB
            assert most - start < 48 * MIB, f"{(most - start) / MIB:.0f} MiB were held"

            async def body() -> AsyncIterator[bytes]:
                for _ in range(100):
                    yield bytes(MIB)

            start = _resident()
            sent = await other.post("/upload", content=body(), headers={"Host": site.host, **mine, **_OWN_PAGE})
            assert (sent.status_code, site.program.taken) == (200, 100 * MIB)
            assert _resident() - start < 48 * MIB


async def test_use_is_noted(site: Site) -> None:
    async with browser(site, "ben") as client:
        mine = await entered(site, client)
        before = await site.web.context.passes.endpoint(site.board.id)
        assert before is not None
        assert before.last_request_at is None
        await at_host(site, "/echo", **mine)
        after = await site.web.context.passes.endpoint(site.board.id)
        assert after is not None
        assert after.last_request_at is not None
        assert after.intent_gen == before.intent_gen  # nobody has to decide anything


async def test_what_is_not_there_or_does_not_run_is_said(site: Site) -> None:
    unknown = await at_host(site, "/", f"{'0' * 32}.localhost:{site.port}", Accept="text/html")
    assert (unknown.status_code, "Nothing is at this address" in unknown.text) == (404, True)
    strange = await at_host(site, "/", f"x.localhost:{site.port}", Accept="text/html")
    assert strange.status_code == 404
    async with browser(site, "ben") as client:
        mine = await entered(site, client)
        await write(site.web, site.board.id, 'addresses = \'{"tensorboard/http": "127.0.0.1:9"}\'')
        silent = await eventually(lambda: _with_status(site, mine, 502))
        assert "does not answer just now" in silent.text
        await write(site.web, site.board.id, "state = 'starting', message = 'Waiting: it waits for a node.'")
        waiting = await eventually(lambda: _with_status(site, mine, 503))
        assert "it waits for a node" in waiting.text
        assert (await client.get(f"/tensorboards/{site.board.id}/open")).headers["location"].endswith("?then=open")


_OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/octet-stream"}


async def _with_status(site: Site, mine: dict[str, str], status: int) -> httpx.Response | None:
    answer = await at_host(site, "/", **mine, Accept="text/html")
    return answer if answer.status_code == status else None


async def _read_until_cut(site: Site, mine: dict[str, str], flowing: asyncio.Event) -> None:
    """An answer without end, until it is cut; tells when its first bytes are there."""
    async with httpx.AsyncClient(base_url=site.url, timeout=LIMIT) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream("GET", "/endless", headers={"Host": site.host, **mine}) as answer:
                async for _ in answer.aiter_raw():
                    flowing.set()


async def _there(what: bool) -> bool:
    return what


def _secret(client: httpx.AsyncClient) -> str:
    return client.cookies["taas_session"]


def _resident() -> int:
    """Bytes of memory that this process has now, both ends and the proxy among them."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
