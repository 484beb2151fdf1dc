"""Where things are kept: everything under one cache directory, nothing elsewhere."""

import os
import time
from pathlib import Path


def cache_root() -> Path:
    """`$TAAS_CACHE`, else `~/.cache/taas`."""
    return Path(os.environ.get("TAAS_CACHE") or Path.home() / ".cache" / "taas").absolute()


def binaries_root() -> Path:
    return cache_root() / "bin"


def images_root() -> Path:
    return cache_root() / "images"


def instances_root() -> Path:
    return cache_root() / "clusters"


def mark_used(path: Path) -> None:
    """Sets the access time, which mounts may not keep by themselves; the time of making stays."""
    os.utime(path, (time.time(), path.stat().st_mtime))
