"""Folders that programs wrote, opened without following any link: one could lead to what only TaaS may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_ROOT = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER = _ROOT | os.O_NOFOLLOW
# Not to hang at a pipe that nobody writes to.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderMissing(OSError):
    """The directory, or the file, is not there (yet)."""


@contextmanager
def opened_folder(root: Path, parts: Sequence[str]) -> Iterator[int]:
    """A descriptor of `parts` below `root`, which may be a link itself. Raises FolderMissing, and OSError."""
    descriptor = -1
    try:
        descriptor = os.open(root, _ROOT)
        for part in parts:
            below = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    except FileNotFoundError as exc:
        raise FolderMissing(str(exc)) from exc
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def opened_file(root: Path, parts: Sequence[str]) -> int:
    """A descriptor of a regular file, which the caller closes. Raises FolderMissing, and OSError for anything else."""
    with opened_folder(root, parts[:-1]) as folder:
        descriptor = os.open(parts[-1], _FILE, dir_fd=folder)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise FolderMissing(f"{parts[-1]} is not a file")
