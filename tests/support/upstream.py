"""A program behind an endpoint, on loopback: it echoes, streams, and serves whatever page a test gives it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

from aiohttp import WSMsgType, web
from sqlalchemy import text

from app.db import endpoints
from app.db.ids import new_id
from app.domain.endpoints.endpoint import Endpoint, Kind
from app.domain.endpoints.tensorboard import LogSource, TensorBoardSpec
from app.domain.training import StorageMount
from tests.support.trainings import Maker
from tests.support.web import Web

MIB = 1024 * 1024
DISK = StorageMount("disk", "local", {"path": "/srv", "node": "a"}, "digits-abcde")


@dataclass
class Upstream:
    """`page` is what it serves at `/`; `taken` counts the bytes that were uploaded."""

    port: int = 0
    page: str = "<!doctype html><title>upstream</title>"
    taken: int = 0
    open_sockets: int = 0
    requests: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def _root(self, request: web.Request) -> web.Response:
        self.requests.append(request.path_qs)
        answer = web.Response(text=self.page, content_type="text/html")
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Set-Cookie"] = "planted=by-upstream; Path=/"
        return answer

    async def _echo(self, request: web.Request) -> web.Response:
        told = {"headers": dict(request.headers), "target": request.raw_path, "method": request.method}
        return web.json_response(told, headers={"Set-Cookie": "a=b", "Cache-Control": "public, max-age=60"})

    async def _big(self, request: web.Request) -> web.StreamResponse:
        count = int(request.query["mib"])
        answer = web.StreamResponse(headers={"Content-Length": str(count * MIB)})
        await answer.prepare(request)
        for number in range(count):
            await answer.write(bytes([number % 256]) * MIB)
        return answer

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(b"tick\n")
                await asyncio.sleep(0.05)
        return answer

    async def _upload(self, request: web.Request) -> web.Response:
        async for piece in request.content.iter_any():
            self.taken += len(piece)
        return web.Response(text=str(self.taken))

    async def _redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://{self.address}/echo"})

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("chat",), max_msg_size=16 * MIB)
        await socket.prepare(request)
        self.open_sockets += 1
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    told = json.dumps(dict(request.headers)) if message.data == "headers" else message.data
                    await socket.send_str(told)
                elif message.type is WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
        finally:
            self.open_sockets -= 1
        return socket


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    application = web.Application(client_max_size=1024 * MIB)
    application.add_routes(
        [
            web.get("/", made._root),
            web.route("*", "/echo", made._echo),
            web.get("/big", made._big),
            web.get("/endless", made._endless),
            web.post("/upload", made._upload),
            web.get("/redirect", made._redirect),
            web.get("/socket", made._socket),
        ]
    )
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server = site._server
    assert isinstance(server, asyncio.Server)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        await runner.cleanup()


async def running_board(web_app: Web, maker: Maker, address: str) -> Endpoint:
    """A TensorBoard that runs at `address`, as a worker would have written it."""
    made = Endpoint(
        id=new_id(),
        kind=Kind.TENSORBOARD,
        name=maker.name,
        project_id=maker.project_id,
        project=maker.name,
        owner_id=maker.owner_id,
        created_by="ada",
        created_at=web_app.context.clock(),
        spec=TensorBoardSpec(image="registry.example.com/tf:1", sources=(LogSource(DISK),)),
    )
    async with web_app.context.database.transaction() as connection:
        await endpoints.add(connection, made)
    await write(
        web_app,
        made.id,
        "state = 'running', launch = 1, running_at = now(), namespace_state = 'present', "
        "addresses = jsonb_build_object('tensorboard/http', CAST(:address AS text))",
        address=address,
    )
    return made


async def write(web_app: Web, endpoint_id: UUID, sets: str, **values: object) -> None:
    """What a worker would write of an endpoint, with the hint that it gives."""
    async with web_app.context.database.transaction() as connection:
        statement = f"UPDATE endpoints SET status_gen = status_gen + 1, {sets} WHERE id = :id"
        await connection.execute(text(statement), {"id": endpoint_id, **values})
        await connection.execute(text(f"SELECT pg_notify('taas', 'endpoints:{endpoint_id}')"))
