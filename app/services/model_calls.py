"""Asking a serving from here: what its model takes, a prediction to try it, and what its balancers have counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx
import orjson

from app.domain.endpoints import signature, traffic
from app.domain.endpoints.endpoint import Endpoint
from app.domain.endpoints.serving_names import BALANCER
from app.domain.endpoints.signature import Signature
from app.domain.endpoints.traffic import Traffic
from app.errors import Conflict, Unavailable

ANSWER_MAX = 1024 * 1024
_SECONDS = httpx.Timeout(30, connect=5)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model answered; `status` is its own HTTP status, `milliseconds` from here and back."""

    status: int
    body: Any
    milliseconds: float


class ModelCalls:
    """Connects to addresses that a worker has noted, with nothing of the caller's own request but its body."""

    async def signatures(self, endpoint: Endpoint) -> tuple[Signature, ...]:
        """How its model may be called. Raises `Conflict` (it does not run) and `Unavailable`."""
        answer = await self._ask(endpoint, "GET", f"/v1/models/{endpoint.name}/metadata")
        try:
            return signature.read(answer.body)
        except ValueError as exc:
            raise Unavailable(f"The model did not describe itself: {exc}") from exc

    async def predict(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Prediction:
        """One prediction, whatever the model says to it. Raises `Conflict` and `Unavailable`."""
        return await self._ask(endpoint, "POST", f"/v1/models/{endpoint.name}:predict", orjson.dumps(body))

    async def traffic(self, endpoint: Endpoint) -> Traffic:
        """What all balancers have counted since each of them started. Raises `Conflict` and `Unavailable`."""
        pods = [address for name, address in sorted(endpoint.addresses.items()) if name.startswith("pod/")]
        if not pods:
            raise _not_running(endpoint)
        async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
            answers = await asyncio.gather(
                *(_call(client, "GET", f"http://{pod}/stats;csv", None) for pod in pods), return_exceptions=True
            )
        tables = [answer[1].decode() for answer in answers if not isinstance(answer, BaseException)]
        if not tables:
            raise next(answer for answer in answers if isinstance(answer, BaseException))
        return traffic.traffic(tables)

    async def _ask(self, endpoint: Endpoint, method: str, path: str, body: bytes | None = None) -> Prediction:
        address = endpoint.addresses.get(f"{BALANCER}/rest")
        if address is None:
            raise _not_running(endpoint)
        started = monotonic()
        async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
            status, content = await _call(client, method, f"http://{address}{path}", body)
        try:
            read = orjson.loads(content)
        except orjson.JSONDecodeError:
            read = content.decode(errors="replace")
        return Prediction(status, read, (monotonic() - started) * 1000)


async def _call(client: httpx.AsyncClient, method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
    try:
        headers = {"content-type": "application/json"} if body is not None else {}
        async with client.stream(method, url, content=body, headers=headers) as answer:
            content = bytearray()
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > ANSWER_MAX:
                    raise Unavailable(f"The answer is longer than {ANSWER_MAX:,} bytes; ask the serving itself.")
            return answer.status_code, bytes(content)
    except httpx.HTTPError as exc:
        raise Unavailable(
            f"TaaS cannot reach the serving just now ({type(exc).__name__}). If it never can, ask an admin whether "
            "TaaS runs where the cluster's Services can be reached."
        ) from exc


def _not_running(endpoint: Endpoint) -> Conflict:
    gateway = endpoint.serving.balancing.gateway
    if gateway is not None:
        return Conflict(f"{endpoint.name} is behind the Gateway {gateway.name}: ask it there.")
    return Conflict(f"{endpoint.name} is {endpoint.state}: it can be asked once it runs.")
