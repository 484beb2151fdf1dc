"""What is shown and kept of a payload: everything but what looks like a secret."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

HIDDEN = "(hidden)"
DEPTH_MAX = 40
_INT_MAX = 2**63

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    {
        "password", "passwd", "pwd", "passphrase", "secret", "secrets", "token", "authorization", "apikey",
        "credential", "credentials", "cookie", "signature",
    }
)  # fmt: skip
_SECRET_PAIRS = frozenset({("api", "key"), ("access", "key"), ("private", "key"), ("client", "key"), ("auth", "key")})
_IN_TEXT = (
    (re.compile(r"(?P<keep>[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s/@]+(?=@)", re.IGNORECASE), rf"\g<keep>{HIDDEN}"),
    (re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\g<keep>{HIDDEN}"),
    (re.compile(r"\b(?:taas_|whsec_|gh[pousr]_|github_pat_|glpat-)[A-Za-z0-9_+/=-]{8,}"), HIDDEN),
)


def masked(value: Any, secrets: Sequence[str] = (), depth: int = 0) -> Any:
    """`value` (as JSON has it) without what is kept under telling names, looks like a secret, or is one of `secrets`.

    What no text column can hold is replaced, and what is nested too deeply is left out.
    """
    if isinstance(value, str):
        return _text(value, secrets)
    if depth > DEPTH_MAX:
        return "(too deep)" if isinstance(value, dict | list) else value
    if isinstance(value, list):
        return [masked(part, secrets, depth + 1) for part in value]
    if isinstance(value, dict):
        return {
            _text(name, secrets): HIDDEN if is_secret_name(name) else masked(part, secrets, depth + 1)
            for name, part in value.items()
        }
    return str(value) if isinstance(value, int) and abs(value) >= _INT_MAX else value


def is_secret_name(name: str) -> bool:
    """Whether a field called `name` holds a secret: `apiKey` and `db_password` do, `max_tokens` and `tokenizer` not."""
    words = [word.lower() for word in _WORD.findall(name)]
    return not _SECRET_WORDS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairwise(words))


def _text(value: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        value = value.replace(secret, HIDDEN)
    for pattern, instead in _IN_TEXT:
        value = pattern.sub(instead, value)
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
