"""A training's objects as people may see them."""

from __future__ import annotations

from typing import Any

from app.k8s.manifests import Manifest, TrainingObjects


def shown(objects: TrainingObjects) -> list[dict[str, Any]]:
    """In the order in which they are made, with the code's bytes and the values of secrets replaced by words."""
    return [_shown(manifest) for manifest in objects.in_order()]


def _shown(manifest: Manifest) -> Manifest:
    if "binaryData" in manifest:
        return {**manifest, "binaryData": {key: _size(text) for key, text in manifest["binaryData"].items()}}
    if manifest["kind"] == "Secret":
        return {**manifest, "data": dict.fromkeys(manifest["data"], "(hidden)")}
    return manifest


def _size(base64_text: str) -> str:
    return f"({len(base64_text) // 4 * 3 - base64_text.count('='):,} bytes of the algorithm's code)"
