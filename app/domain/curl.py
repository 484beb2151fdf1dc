"""The same as a click, for a shell: ready to paste, with the token left to the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def curl(method: str, url: str, body: Mapping[str, Any] | None = None) -> str:
    """A call of the API; `TAAS_TOKEN` is to hold an API token. Without a body none is sent."""
    lines = ["curl --fail-with-body -sS \\", '  --header "Authorization: Bearer $TAAS_TOKEN" \\']
    if method != "GET":
        lines[0] = f"curl --fail-with-body -sS --request {method} \\"
    if body is not None:
        lines += ['  --header "Content-Type: application/json" \\', f"  --data-binary {_quoted(body)} \\"]
    return "\n".join([*lines, f"  {_single(url)}"])


def upload(url: str, fields: Mapping[str, str] | None = None) -> str:
    """A folder sent as a form, packed on the way."""
    given = [f"  --form {_single(f'{name}={value}')} \\" for name, value in (fields or {}).items()]
    lines = [
        "tar -cz -C FOLDER . | curl --fail-with-body -sS \\",
        '  --header "Authorization: Bearer $TAAS_TOKEN" \\',
        *given,
        "  --form 'archive=@-;filename=folder.tar.gz' \\",
    ]
    return "\n".join([*lines, f"  {_single(url)}"])


def _quoted(body: Mapping[str, Any]) -> str:
    return _single(json.dumps(body, ensure_ascii=False, indent=2 if len(body) > 1 else None))


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
