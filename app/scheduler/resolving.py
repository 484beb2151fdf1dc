"""From a webhook's host to the addresses that may be called, asked for once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from app.domain.addresses import Network, may_call
from app.domain.webhook_url import WebhookUrl, refusal

Resolve = Callable[[str, int], Awaitable[list[str]]]
# Of its own: names that are never answered must not keep files waiting.
_threads = ThreadPoolExecutor(8, thread_name_prefix="resolve")


class NotSent(Exception):
    """It did not arrive, in a sentence. `final`: it never will."""

    def __init__(self, problem: str, *, status: int | None = None, answer: str = "", final: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.answer = answer
        self.final = final


async def addresses_of(url: WebhookUrl, allowed: Sequence[Network], resolve: Resolve) -> list[str]:
    """Every address of the host. Raises `NotSent` when there is none, or when any of them may not be called."""
    try:
        found = await resolve(url.host, url.port)
    except (OSError, UnicodeError) as exc:
        raise NotSent(f"The host {url.host} has no address: {exc}.") from exc
    for address in found:
        if not may_call(ip_address(address), allowed):
            raise NotSent(refusal(address, host=url.host))
    if not found:
        raise NotSent(f"The host {url.host} has no address.")
    return found


async def system_resolve(host: str, port: int) -> list[str]:
    """The addresses in the system's order of preference, each once."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
