"""Removes programs and image layers that an older checkout made and nothing has used for two weeks."""

import fcntl
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from deploy.local import build, layers, paths

UNUSED_FOR = 14 * 86400.0  # seconds


def prune(now: float | None = None) -> list[str]:
    """The names of what was removed. What this checkout would use stays, whatever its age."""
    now = time.time() if now is None else now
    current = {path.name for path in build.directories().values()}
    images = (*layers.IMAGES, *layers.ON_REQUEST.values())
    current |= {layer.tar().stem for image in images for layer in image.layers}
    return sorted(
        name
        for root in (paths.binaries_root(), paths.images_root())
        for name in _pruned(root, current, now - UNUSED_FOR)
    )


def said(removed: list[str]) -> str:
    """The sentence for whoever asked."""
    days = int(UNUSED_FOR // 86400)
    if not removed:
        return f"Nothing to remove: everything in {paths.cache_root()} is current or was used in the last {days} days."
    return f"Removed what is not current and was not used for {days} days: {', '.join(removed)}."


def _pruned(root: Path, current: set[str], before: float) -> Iterable[str]:
    if not root.is_dir():
        return []
    with (root / ".lock").open("w") as lock:  # nobody builds meanwhile
        fcntl.flock(lock, fcntl.LOCK_EX)
        entries: dict[str, list[Path]] = {}
        for path in root.iterdir():
            if path.name != ".lock":
                entries.setdefault(_name(path), []).append(path)
        old = [name for name, parts in entries.items() if name not in current and all(_last(p) < before for p in parts)]
        for name in old:
            for path in entries[name]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return old


def _name(path: Path) -> str:
    """`python-336e9bfab922` of each of its files, and of a draft that was never finished."""
    return path.name.removeprefix(".").partition(".")[0]


def _last(path: Path) -> float:
    """When it was made or used: whoever uses an entry sets its access time (`paths.mark_used`)."""
    found = path.stat()
    return max(found.st_atime, found.st_mtime)
