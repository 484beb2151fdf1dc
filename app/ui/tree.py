"""A version's flat list of files as nested folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.domain.algorithm import FileEntry


@dataclass(slots=True)
class Leaf:
    """A file; `name` is the last part of its path."""

    name: str
    path: str
    size: int
    text: bool


@dataclass(slots=True)
class Folder:
    """`path` is empty for the root, whose depth is 0."""

    name: str = ""
    path: str = ""
    depth: int = 0
    folders: list[Folder] = field(default_factory=list)
    files: list[Leaf] = field(default_factory=list)


def tree_of(entries: Iterable[FileEntry]) -> Folder:
    """Folders and files each in alphabetical order."""
    root = Folder()
    known = {"": root}
    for entry in sorted(entries, key=lambda entry: entry.path):
        parent, _, name = entry.path.rpartition("/")
        _folder(parent, known).files.append(Leaf(name, entry.path, entry.size, entry.text))
    return root


def first_to_show(entries: Iterable[FileEntry]) -> str:
    """The file that a version's page opens with: its start script."""
    paths = [entry.path for entry in entries if entry.text]
    return next((path for path in ("run.sh", *paths) if path in paths), "")


def _folder(path: str, known: dict[str, Folder]) -> Folder:
    if path not in known:
        parent, _, name = path.rpartition("/")
        above = _folder(parent, known)
        known[path] = Folder(name, path, above.depth + 1)
        above.folders.append(known[path])
    return known[path]
