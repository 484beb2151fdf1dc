"""The host names of endpoints: each has its own, so that browsers keep it apart from TaaS and from the others."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID


def address_of(base: str, apps_host: str, endpoint_id: UUID) -> str:
    """`http://<id>.<apps_host>`, with the scheme and port by which TaaS itself is reached at `base`."""
    parts = urlsplit(base)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme or 'http'}://{endpoint_id.hex}.{apps_host}{port}"


def endpoint_at(host: str, apps_host: str) -> UUID | None:
    """The endpoint that a Host header means; None when it is no endpoint's."""
    label = label_at(host, apps_host)
    if label is None or len(label) != 32:
        return None
    try:
        return UUID(hex=label)
    except ValueError:
        return None


def label_at(host: str, apps_host: str) -> str | None:
    """What stands before `apps_host` in a Host header; None when it does not end so."""
    name = host.rsplit(":", 1)[0] if host.rpartition(":")[2].isdigit() else host
    label, dot, rest = name.lower().rstrip(".").partition(".")
    return label if dot and rest == apps_host else None
