"""The secrets that stand for a person: session cookies and API tokens. Only their SHA-256 is ever stored."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "taas_"
# How much of a token is shown later, to recognise it by.
SHOWN = len(TOKEN_PREFIX) + 6


def new_session_secret() -> str:
    return secrets.token_urlsafe(32)


def new_api_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_password() -> str:
    return secrets.token_urlsafe(15)


def digest(secret: str) -> bytes:
    """What is stored of a secret. Fast on purpose: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
