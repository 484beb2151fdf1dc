"""`nfs`: an export of an NFS server. The nodes mount it, so the training's own walls need no door for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import FieldError
from app.k8s.manifests.storages import fields
from app.k8s.manifests.storages.kind import MOUNTS, PodSide, Setting


class Nfs:
    """Settings: `server`, `path` (the export), `mount_options`, and `taas_path`, where TaaS itself has it mounted."""

    name = "nfs"
    label = "An export of an NFS server"
    settings = (
        Setting("server", "Server", "A name or address that the nodes can reach.", "nfs.example.com"),
        Setting("path", "Export", "Its root must belong to group 1000 with mode 2770.", "/srv/taas"),
        Setting("mount_options", "Mount options", "One a line.", "nfsvers=4.1", required=False, many=True),
        Setting(
            "taas_path",
            "The same directory, as TaaS sees it",
            "Where it is mounted for TaaS itself, if it is: large bundles are put there, and files can be shown.",
            "/mnt/taas",
            required=False,
        ),
    )

    def check(self, config: Mapping[str, Any]) -> list[FieldError]:
        return [
            *fields.unknown(config, ("server", "path", "mount_options", "taas_path")),
            *fields.text(config, "server", "nfs.example.com"),
            *fields.absolute_path(config, "path"),
            *_mount_options(config.get("mount_options", [])),
            *fields.absolute_path(config, "taas_path", required=False),
        ]

    def pod_side(self, name: str, config: Mapping[str, Any], folder: str) -> PodSide:
        export = {"nfs": {"server": config["server"], "path": config["path"]}}
        options = config.get("mount_options")
        return PodSide(
            folder=f"{MOUNTS}/{name}",
            volume={**export, "mountOptions": list(options)} if options else export,
        )

    def url(self, config: Mapping[str, Any]) -> str | None:
        path = config.get("taas_path")
        return f"file://{path}" if path else None


def _mount_options(value: Any) -> list[FieldError]:
    good = isinstance(value, list) and all(
        isinstance(option, str) and option and option.isascii() and option.isprintable() and " " not in option
        for option in value
    )
    return [] if good else [FieldError("/mount_options", 'Give a list of mount options, such as ["nfsvers=4.1"].')]
