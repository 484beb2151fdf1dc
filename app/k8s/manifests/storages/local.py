"""`local`: a directory of one node. Everything that uses it runs on that node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import FieldError
from app.k8s.manifests.storages import fields
from app.k8s.manifests.storages.kind import MOUNTS, PodSide, Setting


class Local:
    """Settings: `path` on the node, `node` (its name), and `taas_path`, the same directory as TaaS itself sees it."""

    name = "local"
    label = "A directory of one node"
    settings = (
        Setting("path", "Directory on the node", "It must be there already.", "/srv/taas"),
        Setting("node", "Node", "Its name; every task that uses the storage runs there.", "node-1"),
        Setting(
            "taas_path",
            "The same directory, as TaaS sees it",
            "Where it is mounted for TaaS itself, if it is: large bundles are put there, and files can be shown.",
            "/srv/taas",
            required=False,
        ),
    )

    def check(self, config: Mapping[str, Any]) -> list[FieldError]:
        return [
            *fields.unknown(config, ("path", "node", "taas_path")),
            *fields.absolute_path(config, "path"),
            *fields.text(config, "node", "node-1"),
            *fields.absolute_path(config, "taas_path", required=False),
        ]

    def pod_side(self, name: str, config: Mapping[str, Any], folder: str) -> PodSide:
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [config["node"]]}
        return PodSide(
            folder=f"{MOUNTS}/{name}",
            volume={
                "local": {"path": config["path"]},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            },
        )

    def url(self, config: Mapping[str, Any]) -> str | None:
        path = config.get("taas_path")
        return f"file://{path}" if path else None
