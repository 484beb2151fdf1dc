"""Models that trainings left on a disk, and a program that answers as a model and its balancer would."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import update

from app.db import projects
from app.db.tables import endpoints
from app.domain.names import project_folder
from tests.support.projects import make_project, start
from tests.support.serving import described
from tests.support.training_rows import set_state
from tests.support.web import Web

STATS = """# pxname,svname,stot,status,hrsp_5xx,req_rate,req_tot,ttime,addr,
rest,FRONTEND,9,OPEN,0,7,9,,,
rest-model,replica1,3,UP,0,,3,10,10.0.0.1:8501,
rest-model,replica2,1,UP,0,,1,30,10.0.0.2:8501,
"""


async def furnish(admin: httpx.AsyncClient, disk: Path) -> None:
    """A storage that TaaS can read, as the default."""
    config = {"path": "/srv/taas", "node": "node-1", "taas_path": str(disk)}
    body = {"name": "disk", "kind": "local", "config": config, "is_default": True}
    assert (await admin.post("/api/v1/storages", json=body)).status_code == 201


async def trained(web: Web, client: httpx.AsyncClient, disk: Path, *models: str) -> dict[str, Any]:
    """A training that has succeeded, with a SavedModel in each of these directories of its own."""
    training = await start(client)
    await set_state(web, training, "succeeded")
    (folder,) = disk.glob("hello-*")
    for model in models:
        directory = folder / "models" / str(training["number"]) / model
        directory.mkdir(parents=True)
        (directory / "saved_model.pb").touch()
    return training


async def project_on(web: Web, owner: httpx.AsyncClient, disk: Path) -> None:
    """The project `hello`, with its folder on the storage."""
    assert (await make_project(owner))["storage"] == "disk"
    async with web.context.database.read() as connection:
        row = await projects.by_name(connection, "hello")
    assert row is not None
    (disk / project_folder(row.name, row.id)).mkdir(parents=True)


class Model(BaseHTTPRequestHandler):
    """What a balancer and a model would answer."""

    def do_GET(self) -> None:
        if self.path == "/stats;csv":
            return self._answer(self.server.stats.encode())  # type: ignore[attr-defined]
        self._answer(json.dumps(described(x=("DT_FLOAT", [-1, 2]))).encode())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.headers = dict(self.headers)  # type: ignore[attr-defined]
        self._answer(json.dumps({"predictions": [f"<b>{sum(row)}" for row in asked["instances"]]}).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Tests say what matters."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def model(stats: str = STATS) -> Iterator[ThreadingHTTPServer]:
    """On loopback, until the block ends. `stats` is what its balancer has counted."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        server.stats = stats  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


async def running(web: Web, serving_id: str, port: int) -> None:
    """What a worker would write."""
    addresses = {"balancer/rest": f"127.0.0.1:{port}", "pod/balancer-x": f"127.0.0.1:{port}"}
    values = {"state": "running", "namespace": "taas-serving-hello-abcde", "addresses": addresses, "applied_gen": 1}
    async with web.context.database.transaction() as connection:
        await connection.execute(update(endpoints).where(endpoints.c.id == UUID(serving_id)).values(**values))
