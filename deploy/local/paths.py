"""Where things are kept: everything under one cache directory, nothing elsewhere."""

import os
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
