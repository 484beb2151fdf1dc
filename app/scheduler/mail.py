"""One notice as one e-mail, through the operator's SMTP server."""

from __future__ import annotations

import asyncio
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID

import aiosmtplib

from app.domain.message import Letter
from app.domain.notice import Notice
from app.scheduler.resolving import NotSent
from app.settings import Settings

SECONDS = 30.0
NO_SERVER = "This installation has no mail server: an admin has to set TAAS_SMTP_HOST."


class Mailer:
    """Speaks SMTP; without TLS only when the operator has said so."""

    def __init__(self, settings: Settings, *, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._tls = tls

    async def send(self, notice: Notice, letter: Letter, *, to: str, subscription_id: UUID) -> None:
        """Raises `NotSent` with what the server said."""
        settings = self._settings
        if settings.smtp_host is None:
            raise NotSent(NO_SERVER)
        message = _message(notice, letter, to=to, sender=settings.mail_sender, subscription_id=subscription_id)
        password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
        try:
            async with asyncio.timeout(SECONDS):
                await aiosmtplib.send(
                    message,
                    hostname=settings.smtp_host,
                    port=settings.smtp_port,
                    username=settings.smtp_user,
                    password=password,
                    use_tls=settings.smtp_tls == "tls",
                    start_tls=settings.smtp_tls == "starttls",
                    tls_context=self._tls,
                    timeout=None,
                )
        except TimeoutError as exc:
            raise NotSent(f"The mail server did not take it within {SECONDS:g} seconds.") from exc
        except aiosmtplib.SMTPAuthenticationError as exc:
            problem = "The mail server refuses TaaS' user or password"
            raise NotSent(f"{problem} ({_said(exc)}): an admin has to correct them.", status=exc.code) from exc
        except aiosmtplib.SMTPRecipientsRefused as exc:
            refused = exc.recipients[0]
            final = refused.code >= 500
            raise NotSent(f"The mail server refuses {to}: {_said(refused)}", status=refused.code, final=final) from exc
        except aiosmtplib.SMTPResponseException as exc:
            raise NotSent(f"The mail server says {_said(exc)}", status=exc.code) from exc
        except (aiosmtplib.SMTPException, OSError, ValueError) as exc:
            words = str(exc).strip(".") or type(exc).__name__
            hint = _TLS_HINT if "TLS" in words.upper() or isinstance(exc, ssl.SSLError) else ""
            raise NotSent(f"The mail server cannot be used: {words}.{hint}") from exc


_TLS_HINT = " TaaS sends mail over TLS only, unless an admin sets TAAS_SMTP_TLS."


def _message(notice: Notice, letter: Letter, *, to: str, sender: str, subscription_id: UUID) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = sender
    message["To"] = to
    message["Date"] = format_datetime(notice.at)
    # The same in every try, so that a mailbox can tell a repetition.
    message["Message-ID"] = f"<{notice.event_id}.{subscription_id.hex}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _said(exc: aiosmtplib.SMTPResponseException) -> str:
    return f"{exc.code} {' '.join(exc.message.split())}"[:500]
