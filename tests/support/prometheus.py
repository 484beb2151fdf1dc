"""A real Prometheus that scrapes what a test names, on loopback, for as long as the test needs it; and dashboards."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.waiting import eventually

DASHBOARDS = Path(__file__).parents[2] / "deploy/grafana"
_NAME = re.compile(r"\b(?:taas|container|process|machine)_[a-z0-9_]+\b(?!\s*\()")


@asynccontextmanager
async def prometheus(folder: Path, scrape: list[dict[str, Any]]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its API, once every target has been scraped."""
    program = shutil.which("prometheus")
    assert program is not None, "put Prometheus on the PATH: scripts/prometheus prints where it is"
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": scrape}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    arguments = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, *(f"--{name}={value}" for name, value in arguments.items()), stdout=log, stderr=log
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30) as client:

            async def all_up() -> bool:
                assert process.returncode is None, (folder / "prometheus.log").read_text()[-2000:]
                try:
                    found = (await client.get("/targets")).json()["data"]["activeTargets"]
                    # A target is "up" before its samples can be asked for: they are committed together with this one.
                    scraped = (await client.get("/query", params={"query": "up == 1"})).json()["data"]["result"]
                except (httpx.HTTPError, KeyError, json.JSONDecodeError):
                    return False
                return 0 < len(found) == len(scraped)

            await eventually(all_up)
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def queries(dashboard: str, namespace: str = ".*") -> Iterator[tuple[str, str]]:
    """The panels' titles and queries, with Grafana's variables filled in; `namespace` is a pattern."""
    for panel in json.loads((DASHBOARDS / dashboard).read_text())["panels"]:
        for target in panel["targets"]:
            expr = target["expr"].replace("[$__rate_interval]", "[1m]").replace('="$namespace"', f'=~"{namespace}"')
            yield panel["title"], expr


async def unknown_names(client: httpx.AsyncClient, dashboard: str, *, but: frozenset[str] = frozenset()) -> set[str]:
    """The metrics that a dashboard asks for and that nothing scraped has; every query is one that Prometheus takes."""
    known = set((await client.get("/label/__name__/values")).json()["data"])
    wanted: set[str] = set()
    for title, expr in queries(dashboard):
        answer = await client.get("/query", params={"query": expr})
        assert answer.status_code == 200, (title, answer.text)
        wanted |= set(_NAME.findall(expr))
    return wanted - known - but
