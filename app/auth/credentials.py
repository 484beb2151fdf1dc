"""New secrets. Of those that stand for a person or a hook (cookies, tokens) only the SHA-256 is ever stored."""

from __future__ import annotations

import base64
import hashlib
import secrets

TOKEN_PREFIX = "taas_"
WEBHOOK_PREFIX = "whsec_"
# How much of a token is shown later, to recognise it by.
SHOWN = len(TOKEN_PREFIX) + 6
HOOK_PREFIX = "hk_"
HOOK_SHOWN = len(HOOK_PREFIX) + 6


def new_session_secret() -> str:
    return secrets.token_urlsafe(32)


def new_api_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_hook_token() -> str:
    return HOOK_PREFIX + secrets.token_urlsafe(32)


def new_webhook_secret() -> str:
    """What a webhook's messages are signed with, in the form of Standard Webhooks."""
    return WEBHOOK_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def new_password() -> str:
    return secrets.token_urlsafe(15)


def digest(secret: str) -> bytes:
    """What is stored of a secret. Fast on purpose: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
