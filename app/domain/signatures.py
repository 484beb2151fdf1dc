"""Signatures of messages, as Standard Webhooks 1.0 has them."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


def signature_header(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature for each secret (`whsec_` and base64), separated by spaces."""
    return " ".join(_signature(secret, message_id, timestamp, body) for secret in secrets)


def _signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, b"%s.%d.%s" % (message_id.encode(), timestamp, body), "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
