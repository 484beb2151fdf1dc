"""Whether a delivery was sent by somebody who knows the hook's secret, over the raw bytes of its body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from app.domain.hook import Signing
from app.domain.signatures import PREFIX
from app.errors import TaasError

WINDOW = timedelta(minutes=5)
KEY_BYTES_MIN = 24
KEY_BYTES_MAX = 64
PLAIN_MIN = 12
PLAIN_MAX = 200
_SIGNATURES_MAX = 20


class BadSignature(TaasError):
    """A delivery is not signed, not with this hook's secret, or too long ago."""

    status = 401
    code = "bad_signature"
    title = "The delivery is not signed as this hook asks"


def verify(signing: Signing, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> int:
    """Which of `secrets` it was signed with: the first that fits. Raises `BadSignature`.

    `headers` have lower case names.
    """
    if signing is Signing.STANDARD:
        return _verify_standard(secrets, headers, body, now)
    return _verify_github(secrets, headers, body)


def fits(signing: Signing, secret: str) -> bool:
    """Whether `secret` can be used for that way of signing."""
    if signing is Signing.STANDARD:
        key = _key(secret)
        return key is not None and KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX
    return PLAIN_MIN <= len(secret) <= PLAIN_MAX and secret.isascii() and secret.isprintable()


def rule(signing: Signing) -> str:
    """What `fits` asks for, in words."""
    if signing is Signing.STANDARD:
        return f"Give {PREFIX} and {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes in base64, or nothing to have one made."
    return f"Give {PLAIN_MIN} to {PLAIN_MAX} printable ASCII characters, or nothing to have one made."


def _verify_standard(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> int:
    sent_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split()[:_SIGNATURES_MAX]
    if not (sent_id and sent_at and signatures):
        raise BadSignature("Send webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks).")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        raise BadSignature("webhook-timestamp must be seconds since 1970.")
    if abs(now.timestamp() - int(sent_at)) > WINDOW.total_seconds():
        raise BadSignature("webhook-timestamp is more than 5 minutes off. Sign it anew; check the sender's clock.")
    signed = b".".join([sent_id.encode("latin-1", "replace"), sent_at.encode(), body])
    given = [value for version, _, value in (one.partition(",") for one in signatures) if version == "v1"]
    for place, secret in enumerate(secrets):
        wanted = base64.b64encode(hmac.digest(_key(secret) or b"", signed, hashlib.sha256))
        if any(hmac.compare_digest(wanted, value.encode("latin-1", "replace")) for value in given):
            return place
    raise BadSignature("webhook-signature does not fit this body and this hook's secret.")


def _verify_github(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> int:
    given = headers.get("x-hub-signature-256", "")
    if not given:
        raise BadSignature("Send X-Hub-Signature-256: give the webhook on GitHub this hook's secret.")
    for place, secret in enumerate(secrets):
        wanted = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if hmac.compare_digest(wanted.encode(), given.encode("latin-1", "replace")):
            return place
    raise BadSignature("X-Hub-Signature-256 does not fit this body and this hook's secret.")


def _key(secret: str) -> bytes | None:
    if not secret.startswith(PREFIX):
        return None
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
