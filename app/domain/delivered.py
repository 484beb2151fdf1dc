"""A call of a hook as it came in: its headers and the raw bytes of its body, and what they mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from app.domain.masking import masked
from app.errors import InvalidInput, TaasError

BODY_MAX = 256 * 1024
SHOWN_MAX = 64 * 1024
"""Bytes of a payload that are kept."""
FIELDS_MAX = 1000
KEY_MAX = 255

# Whichever is there first names the delivery.
_KEYS = ("webhook-id", "x-github-delivery", "idempotency-key")
_SHOWN = (
    "content-type", "content-length", "user-agent", "webhook-id", "webhook-timestamp", "x-github-delivery",
    "x-github-event", "x-github-hook-id", "idempotency-key",
)  # fmt: skip
_HEADER_MAX = 200


class UnsupportedMedia(TaasError):
    """The body is of a kind that nobody here reads."""

    status = 415
    code = "unsupported_media_type"
    title = "This kind of body is not understood"


@dataclass(frozen=True, slots=True)
class Call:
    """`headers` have lower case names."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def fingerprint(self) -> bytes:
        """What tells two bodies apart."""
        return hashlib.sha256(self.body).digest()

    @property
    def is_ping(self) -> bool:
        """GitHub's greeting to a new webhook."""
        return self.headers.get("x-github-event") == "ping"


def key_of(headers: Mapping[str, str]) -> str | None:
    """The sender's id of this delivery; None when it has none. Raises InvalidInput."""
    for name in _KEYS:
        if key := headers.get(name, "").strip():
            if len(key) > KEY_MAX or not (key.isascii() and key.isprintable()):
                raise InvalidInput(f"{name} must be 1 to {KEY_MAX} printable ASCII characters.")
            return key
    return None


def payload_of(call: Call) -> Any:
    """The body as JSON has it; a form is an object of texts, nothing is None.

    Raises InvalidInput when it cannot be read, UnsupportedMedia when it is neither.
    """
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not call.body:
        return None
    if kind == "application/x-www-form-urlencoded":
        return _form(call)
    if kind == "application/json" or kind.endswith("+json"):
        return _json(call.body)
    raise UnsupportedMedia("Send JSON (application/json), a form (application/x-www-form-urlencoded), or no body.")


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that help to understand a delivery; none of them is a secret."""
    return {name: masked(headers[name][:_HEADER_MAX]) for name in _SHOWN if name in headers}


def shown_payload(payload: Any, secrets: tuple[str, ...]) -> tuple[Any, bool, str]:
    """What is kept of a payload: the masked value, whether it is kept at all, and if not, why."""
    value = masked(payload, secrets)
    if len(json.dumps(value)) > SHOWN_MAX:
        return None, False, f"It is larger than the {SHOWN_MAX // 1024} KiB that are kept."
    return value, True, ""


def _form(call: Call) -> Any:
    try:
        text = call.body.decode("ascii")
        fields = dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX))
    except ValueError as exc:
        raise InvalidInput(f"The form cannot be read, or has more than {FIELDS_MAX:,} fields.") from exc
    # GitHub's form has one field, with JSON in it.
    if set(fields) == {"payload"} and "x-github-event" in call.headers:
        return _json(fields["payload"].encode())
    return fields


def _json(body: bytes) -> Any:
    try:
        found = json.loads(body, parse_constant=_no_constant)
        # A lone surrogate cannot be encoded, and no column can hold it.
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as exc:
        raise InvalidInput("The body is not JSON, or is nested too deeply.", code="invalid_json") from exc
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(word)
