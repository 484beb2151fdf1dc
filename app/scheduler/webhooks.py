"""One message to one webhook: signed, to exactly the address that was checked, and never further."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import httpx

from app.domain.addresses import Network, literal
from app.domain.webhook_url import WebhookUrl
from app.scheduler.resolving import NotSent, Resolve, addresses_of, system_resolve

SECONDS = 20.0
ANSWER_MAX = 1024
# An address that does not take the connection was sent nothing, so the next one may be tried.
_ADDRESSES_MAX = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the beginning of the body."""

    status: int
    text: str


class Poster:
    """Posts, each time over a connection of its own: one that is kept could be another host's at the same address."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        resolve: Resolve = system_resolve,
        seconds: float = SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            verify=tls or httpx.create_ssl_context(),
            trust_env=False,  # a proxy would resolve the name once more
            follow_redirects=False,
            timeout=seconds,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            headers={"User-Agent": f"TaaS/{version('taas')}", "Accept-Encoding": "identity"},
        )

    async def post(self, url: WebhookUrl, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer, whatever its status. Raises `NotSent` when none came in time."""
        try:
            async with asyncio.timeout(self._seconds):
                addresses = await addresses_of(url, self._allowed, self._resolve)
                return await self._to_first(addresses[:_ADDRESSES_MAX], url, headers, body)
        except TimeoutError as exc:
            raise NotSent(f"No complete answer came within {self._seconds:g} seconds.") from exc
        except httpx.TransportError as exc:
            raise NotSent(f"The connection failed: {str(exc).strip('.') or type(exc).__name__}.") from exc

    async def _to_first(
        self, addresses: Sequence[str], url: WebhookUrl, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        for address in addresses[:-1]:
            try:
                return await self._to(address, url, headers, body)
            except httpx.ConnectError:
                continue
        return await self._to(addresses[-1], url, headers, body)

    async def _to(self, address: str, url: WebhookUrl, headers: Mapping[str, str], body: bytes) -> Answer:
        extensions = {} if literal(url.host) else {"sni_hostname": url.host}
        request = self._client.build_request(
            "POST",
            url.at(address),
            content=body,
            headers={**headers, "Host": url.host_header, "Content-Type": "application/json"},
            extensions=extensions,
        )
        response = await self._client.send(request, stream=True)
        try:
            return Answer(response.status_code, _text(await _beginning(response)))
        finally:
            await response.aclose()


async def _beginning(response: httpx.Response) -> bytes:
    """At most so much that it can be kept; the rest is never read."""
    found = b""
    async for chunk in response.aiter_raw(ANSWER_MAX):
        found += chunk
        if len(found) >= ANSWER_MAX:
            break
    return found[:ANSWER_MAX]


def _text(answer: bytes) -> str:
    return answer.decode(errors="replace").replace("\0", "\ufffd")
