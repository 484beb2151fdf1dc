"""Asking the installation's Prometheus: range queries, with bounds on time and size.

https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
"""

from __future__ import annotations

import math
from datetime import datetime

import httpx
import msgspec

from app.errors import Unavailable

ANSWER_MAX = 4 * 1024 * 1024
_SECONDS = httpx.Timeout(15, connect=3)


class Series(msgspec.Struct):
    """One series of an answer: its labels, and pairs of Unix seconds and a number as text."""

    metric: dict[str, str]
    values: list[tuple[float, str]]

    def numbers(self) -> tuple[float | None, ...]:
        """Its values; None for what is no number."""
        found = (float(text) for _, text in self.values)
        return tuple(value if math.isfinite(value) else None for value in found)


class _Data(msgspec.Struct):
    result: list[Series]


class _Answer(msgspec.Struct):
    status: str
    data: _Data | None = None
    error: str = ""


async def query_range(url: str, query: str, begin: datetime, end: datetime, step: int) -> list[Series]:
    """The series of one query. Raises `Unavailable`, with what Prometheus said if it said something."""
    form = {"query": query, "start": begin.timestamp(), "end": end.timestamp(), "step": step}
    try:
        async with (
            httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client,
            client.stream("POST", f"{url.rstrip('/')}/api/v1/query_range", data=form) as response,
        ):
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > ANSWER_MAX:
                    raise Unavailable(f"Prometheus' answer is longer than {ANSWER_MAX:,} bytes; ask it itself.")
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise Unavailable(
            f"Prometheus does not answer ({type(exc).__name__}). If it never does, an admin should check "
            "TAAS_PROMETHEUS_URL."
        ) from exc
    return _read(response.status_code, bytes(content))


def _read(status: int, content: bytes) -> list[Series]:
    try:
        answer = msgspec.json.decode(content, type=_Answer)
    except ValueError as exc:
        raise Unavailable(
            f"What answers at TAAS_PROMETHEUS_URL is not Prometheus' API (status {status}); an admin should check it."
        ) from exc
    if answer.status != "success" or answer.data is None:
        raise Unavailable(f"Prometheus refused the query: {answer.error or f'status {status}'}.")
    return answer.data.result
