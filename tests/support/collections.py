"""Where the API server takes an object: by the rule that its kinds follow, instead of a table a test."""

from __future__ import annotations

from typing import Any


def collection_of(manifest: dict[str, Any]) -> str:
    """The path to POST it to; what has no namespace in its metadata is of the whole cluster."""
    version, plural = manifest["apiVersion"], _plural(manifest["kind"])
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = manifest["metadata"].get("namespace")
    return f"{group}/namespaces/{namespace}/{plural}" if namespace else f"{group}/{plural}"


def path_of(manifest: dict[str, Any]) -> str:
    """The object's own path."""
    return f"{collection_of(manifest)}/{manifest['metadata']['name']}"


def _plural(kind: str) -> str:
    word = kind.lower()
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
