"""A request that is given up before its body is there: no fault of the server, and nobody to answer."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from structlog.testing import capture_logs

from tests.support.served import served
from tests.support.waiting import eventually
from tests.support.web import PASSWORD, Web


async def test_it_is_noted_without_an_error(web: Web) -> None:
    await web.person("ada")
    async with served(web) as url, httpx.AsyncClient(base_url=url, headers={"Origin": url}) as http:
        await http.post("/login", data={"name": "ada", "password": PASSWORD})
        head = {
            "Host": url.removeprefix("http://"),
            "Origin": url,
            "Cookie": "; ".join(f"{name}={value}" for name, value in http.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": "50",
        }
        lines = ["POST /servings HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        with capture_logs() as said:
            _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            writer.write("\r\n".join([*lines, "", "name=half"]).encode())
            await writer.drain()
            writer.close()

            async def noted() -> list[Any]:
                return [line for line in said if line["event"] == "request"]

            [line] = await eventually(noted)
    assert (line["path"], line["status"]) == ("/servings", 499)
    assert [line for line in said if line["log_level"] == "error"] == []
