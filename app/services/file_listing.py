"""One folder of a training's files, by name, a part at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from app.domain.training_files import Entry, EntryKind, Folder, is_plain
from app.services.no_links import opened_folder

MOST_LOOKED_AT = 20_000


def listed(root: Path, above: Sequence[str], path: str, *, after: str | None, most: int) -> Folder:
    """The entries behind the name `after`. `path` is how the folder is called, `above` where it is.

    Raises FolderMissing, and OSError.
    """
    with opened_folder(root, above) as folder:
        with os.scandir(folder) as entries:
            found = list(islice((entry.name for entry in entries), MOST_LOOKED_AT + 1))
        truncated = len(found) > MOST_LOOKED_AT
        names = sorted((name for name in found[:MOST_LOOKED_AT] if after is None or _shown(name) > after), key=_shown)
        made = [entry for name in names[:most] if (entry := _entry(folder, name, path))]
    return Folder(tuple(made), _shown(names[most - 1]) if len(names) > most else None, truncated)


def _entry(folder: int, name: str, path: str) -> Entry | None:
    """None when it has gone since it was listed."""
    try:
        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    is_file = stat.S_ISREG(info.st_mode)
    kind = EntryKind.FILE if is_file else EntryKind.FOLDER if stat.S_ISDIR(info.st_mode) else EntryKind.OTHER
    return Entry(
        name=_shown(name),
        path=f"{path}/{name}" if is_plain(name) else None,
        kind=kind,
        size=info.st_size if is_file else None,
        modified=datetime.fromtimestamp(max(0, min(info.st_mtime, 4e9)), UTC),
    )


def _shown(name: str) -> str:
    """A name as text, whatever bytes it has."""
    if is_plain(name):
        return name
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
