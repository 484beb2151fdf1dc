"""An SMTP server on loopback that keeps what it is given."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

USER, PASSWORD = "taas", "a mail password"


@dataclass
class Mailbox:
    """`refusal` is said instead of taking the next recipients."""

    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    refusal: str = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self.got.append(message)
        return "250 taken"


def _known(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    ok = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=ok, handled=False)


@asynccontextmanager
async def mailbox(tls: ssl.SSLContext | None = None, *, login: bool = False) -> AsyncIterator[Mailbox]:
    """With `tls` it offers STARTTLS; with `login` it wants `USER` and `PASSWORD` first."""
    found = Mailbox()

    def protocol() -> SMTP:
        return SMTP(
            found,
            tls_context=tls,
            hostname="mail.test",
            authenticator=_known if login else None,
            auth_required=login,
            auth_require_tls=tls is not None,
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
