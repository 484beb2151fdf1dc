"""A training's log directory as TaaS itself sees it. What lies there was made by the training's own program.

So no link is followed, on any part of the way: a task could point one at a file that only TaaS may read. Nothing but
regular files is opened, and how many are looked at is limited.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from app.domain.event_file import LONGEST_RUN
from app.services.no_links import FolderMissing, opened_file, opened_folder

DEEPEST = 8
MOST_ENTRIES = 20_000
__all__ = ["FolderMissing", "Found", "LogFolder"]


@dataclass(frozen=True, slots=True)
class Found:
    """The files that were looked for, by their path below the folder, with their sizes; `left_out`: how many more."""

    sizes: dict[str, int]
    left_out: int


@dataclass(frozen=True, slots=True)
class LogFolder:
    """`parts` below `root`, which is the storage's own and may be whatever its operator made of it."""

    root: Path
    parts: tuple[str, ...]

    def files(self, word: str, *, most: int) -> Found:
        """Those with `word` in their names, in order. Raises FolderMissing, and OSError."""
        sizes: dict[str, int] = {}
        left_out = seen = 0
        with opened_folder(self.root, self.parts) as top:
            for above, _, names, folder in os.fwalk(".", dir_fd=top, follow_symlinks=False):
                seen += len(names) + 1
                if above.count("/") >= DEEPEST or seen > MOST_ENTRIES:
                    break
                for name in sorted(names):
                    path = f"{above}/{name}".removeprefix("./")
                    if word not in name or not _plain(path):
                        continue
                    info = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if not stat.S_ISREG(info.st_mode):
                        continue
                    if len(sizes) < most:
                        sizes[path] = info.st_size
                    else:
                        left_out += 1
        return Found(dict(sorted(sizes.items())), left_out)

    def read(self, path: str, start: int, length: int) -> bytes:
        """At most `length` bytes of a file. Raises FolderMissing, and OSError."""
        descriptor = opened_file(self.root, (*self.parts, *path.split("/")))
        try:
            return os.pread(descriptor, length, start)
        finally:
            os.close(descriptor)


def _plain(path: str) -> bool:
    """Whether it is text that rows and pages can hold."""
    return len(path) <= LONGEST_RUN and path.isprintable() and not any("\ud800" <= one <= "\udfff" for one in path)
