"""A project's folder on a storage that TaaS itself can write, made so that its tasks can write there too."""

from __future__ import annotations

import os
from pathlib import Path

from app.domain.training import StorageMount
from app.k8s.manifests.jobs import USER
from app.k8s.manifests.storages import KINDS
from app.storage import StorageUnavailable

_MODE = 0o2770
"""For the group of the tasks, which everything made within inherits; for nobody else."""


def prepare(url: str, folder: str) -> None:
    """Make the project's folder, and the root if it is missing; a root that is there is its operator's matter.

    Only a mounted directory needs this; other stores have no folders.

    Raises StorageUnavailable when TaaS may not do it.
    """
    if not url.startswith("file://"):
        return
    root = Path(url.removeprefix("file://"))
    try:
        if not root.is_dir():
            _make(root)
        _make(root / folder)
    except OSError as exc:
        raise StorageUnavailable(
            f"TaaS cannot prepare {root / folder} for group {USER}: {exc.strerror}. Give the storage's root to that "
            "group with mode 2770, and TaaS the group."
        ) from exc


def mounted_root(mount: StorageMount) -> Path | None:
    """Where TaaS itself has the storage mounted; None where it has not."""
    url = KINDS[mount.kind].url(mount.config)
    return Path(url.removeprefix("file://")) if url and url.startswith("file://") else None


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_gid != USER:
        os.chown(folder, -1, USER)
    if found.st_gid != USER or found.st_mode & _MODE != _MODE:
        folder.chmod(_MODE)
