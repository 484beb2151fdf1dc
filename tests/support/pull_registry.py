"""A registry for images that has none: it asks for a login, remembers who came, and knows no image."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.support.cluster import LocalCluster


@dataclass
class PullRegistry:
    """`host` is how images name it; `logins` are the user names and passwords that were shown to it."""

    host: str
    logins: set[str] = field(default_factory=set)


@contextmanager
def pull_registry(cluster: LocalCluster) -> Iterator[PullRegistry]:
    """Reached by the cluster's node over plain HTTP, which its containerd is told."""
    address = str(cluster.instance.addresses.host)
    server = ThreadingHTTPServer((address, 0), _Handler)
    registry = PullRegistry(f"{address}:{server.server_port}")
    server.registry = registry  # type: ignore[attr-defined]
    told = cluster.instance.directory / "registries" / registry.host
    told.mkdir(parents=True)
    (told / "hosts.toml").write_text(f'server = "http://{registry.host}"\n')
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        shutil.rmtree(told)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, _, login = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return self._answer(401, "UNAUTHORIZED")
        self.server.registry.logins.add(base64.b64decode(login).decode())  # type: ignore[attr-defined]
        self._answer(404, "MANIFEST_UNKNOWN")

    do_HEAD = do_GET

    def _answer(self, status: int, code: str) -> None:
        body = f'{{"errors":[{{"code":"{code}"}}]}}'.encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="images"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A test's output is its own."""
