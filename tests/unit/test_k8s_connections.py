"""What many quiet connections to the API server cost."""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from app.k8s.client import KubeClient
from app.settings import Settings
from tests.support.certificates import certificates

CONNECTIONS = 30
MOST = 100 * 1024
"""Bytes that a followed log may keep, by the budget."""


async def test_a_followed_log_that_says_nothing_keeps_little(tmp_path: Path) -> None:
    over = asyncio.Event()

    async def follow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await over.wait()
        return response

    app = web.Application()
    app.add_routes([web.get("/version", _version), web.get("/log", follow)])
    trust, _ = certificates(tmp_path, "127.0.0.1")
    server = TestServer(app)
    await server.start_server(ssl=trust)
    client = await KubeClient.connect(Settings(kube_context="taas", kubeconfig=_kubeconfig(tmp_path, server)))
    try:
        async with AsyncExitStack() as streams:
            await streams.enter_async_context(client.stream("/log"))  # what only the first one needs
            tracemalloc.start()
            for _ in range(CONNECTIONS):
                await streams.enter_async_context(client.stream("/log"))
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            over.set()
    finally:
        await client.close()
        await server.close()
    both_ends = 2 * CONNECTIONS  # the server is in this process too
    assert held / both_ends < MOST


async def _version(request: web.Request) -> web.Response:
    return web.json_response({"major": "1", "minor": "36"})


def _kubeconfig(folder: Path, server: TestServer) -> Path:
    file = folder / "config"
    file.write_text(f"""apiVersion: v1
kind: Config
contexts: [{{name: taas, context: {{cluster: taas, user: taas}}}}]
clusters:
- {{name: taas, cluster: {{server: "{server.make_url("")}", certificate-authority: {folder / "certificate.pem"}}}}}
users: [{{name: taas, user: {{token: any}}}}]
""")
    return file
