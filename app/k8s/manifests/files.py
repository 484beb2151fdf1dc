"""The files that a task finds in `/taas/run`, carried by a few immutable ConfigMaps."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.domain import topology
from app.domain.project import RunSpec
from app.domain.topology import Told
from app.k8s.manifests.labels import of_training
from app.k8s.manifests.launch import Launch, Manifest

MAP_BYTES = 900 * 1024
"""What one ConfigMap carries; Kubernetes allows 1 MiB in all, names and quoting included."""
MAPS_MAX = 5

_RUN = "run"
_START = "start.sh"


@dataclass(frozen=True, slots=True)
class Files:
    """The ConfigMaps, and for each role what its projected volume takes from them."""

    config_maps: tuple[Manifest, ...]
    sources: dict[str, list[Manifest]]


def files(launch: Launch, told: Told) -> Files:
    """The start script, each role's `env.sh`, and the code in parts that fill the ConfigMaps in order.

    Raises TooMuchToTell when that needs more ConfigMaps than a training may have.
    """
    texts = _texts(launch.run, told)
    bundle = launch.bundle or b""
    _check_room(texts, len(bundle))
    parts = _split(bundle, first_room=MAP_BYTES - _size(texts))
    keys = [f"code.{number:03}" if part else None for number, part in enumerate(parts)]
    names = [_RUN] + [f"code-{number}" for number in range(1, len(parts))]
    return Files(
        tuple(
            _config_map(launch, name, texts if name == _RUN else {}, {key: part} if key else {})
            for name, key, part in zip(names, keys, parts, strict=True)
        ),
        {
            role: [_source(name, role, key) for name, key in zip(names, keys, strict=True)]
            for role in launch.run.role_names
        },
    )


def check(run: RunSpec, told: Told, bundle_size: int) -> None:
    """Raises TooMuchToTell as `files` would, for a bundle of that many bytes."""
    _check_room(_texts(run, told), bundle_size)


@cache
def start_script() -> str:
    """The first process of every task."""
    return Path(__file__).with_name(_START).read_text(encoding="utf-8")


def _texts(run: RunSpec, told: Told) -> dict[str, str]:
    scripts = {_env_key(role): topology.env_script(run, role, told) for role in run.role_names}
    return {_START: start_script(), **scripts}


def _check_room(texts: Mapping[str, str], bundle_size: int) -> None:
    told = _size(texts)
    if told > MAP_BYTES or told + bundle_size > MAPS_MAX * MAP_BYTES:
        raise topology.TooMuchToTell(
            f"The code ({bundle_size:,} bytes) and what the tasks are told ({told:,} bytes) do not fit into {MAPS_MAX} "
            "ConfigMaps; use fewer tasks, or make the code smaller."
        )


def _split(bundle: bytes, *, first_room: int) -> list[bytes]:
    first = max(0, first_room)
    return [bundle[:first], *(bundle[at : at + MAP_BYTES] for at in range(first, len(bundle), MAP_BYTES))]


def _source(name: str, role: str, key: str | None) -> Manifest:
    items = [{"key": key, "path": key}] if key else []
    if name == _RUN:
        items = [{"key": _START, "path": _START}, {"key": _env_key(role), "path": "env.sh"}, *items]
    return {"configMap": {"name": name, "items": items}}


def _config_map(launch: Launch, name: str, texts: Mapping[str, str], parts: Mapping[str, bytes]) -> Manifest:
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": launch.namespace, "labels": of_training(launch)},
        "immutable": True,
    }
    if texts:
        manifest["data"] = dict(texts)
    if parts:
        manifest["binaryData"] = {key: base64.b64encode(part).decode() for key, part in parts.items()}
    return manifest


def _env_key(role: str) -> str:
    return f"env-{role}.sh"


def _size(texts: Mapping[str, str]) -> int:
    return sum(len(key) + len(text.encode()) for key, text in texts.items())
