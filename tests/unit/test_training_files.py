"""Files of hostile programs: nothing outside of the training's own directories is ever seen or opened."""

from __future__ import annotations

import os
import stat
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from app.domain.npy_head import NotArrays, npy_head, npz_heads
from app.domain.training_files import EntryKind, parts_of
from app.errors import InvalidInput
from app.services.file_listing import MOST_LOOKED_AT, listed
from app.services.no_links import FolderMissing, opened_file

GOOD = [
    "logs",
    "models/weights.npz",
    "models/a b/ü.txt",
    "models/<b>.html",
    "models/-rf",
    "models/%2e%2e",
    "models/..x",
]
BAD = [
    "", "/", "data/x", "models/../logs", "models/..", "models//x", "models/./x", "/etc/passwd", "../models", "models/",
    "models/a\0b", "models/a\nb", "models/\u202egnp.exe", "models/\ud800", "models/" + "x" * 256, "models" + "/x" * 70,
    "models/" + "ü" * 130, "models/" + "x" * 5_000, "Models/x", "models\\x",
]  # fmt: skip


@pytest.mark.parametrize("path", GOOD)
def test_a_path_below_the_two_directories_is_taken(path: str) -> None:
    assert "/".join(parts_of(path)) == path


@pytest.mark.parametrize("path", BAD)
def test_any_other_is_refused_with_words(path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parts_of(path)
    assert refused.value.errors[0].pointer == "/path"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    secret = tmp_path / "secret.txt"
    secret.write_text("not for tasks")
    folder = tmp_path / "root" / "project" / "models" / "1"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("a")
    (folder / "link").symlink_to(secret)
    (folder / "out").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    (folder / "new\nline <b>").write_text("x")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff")).write_text("x")
    os.mknod(folder / "socket", stat.S_IFSOCK | 0o600)  # `bind` takes short paths only
    return tmp_path / "root"


ABOVE = ("project", "models", "1")


def test_everything_is_named_and_only_files_and_folders_can_be_asked_for(root: Path) -> None:
    found = listed(root, ABOVE, "models", after=None, most=100)
    assert {entry.name: (entry.kind, entry.path) for entry in found.entries} == {
        "bad\\xff": (EntryKind.FILE, None),
        "deep": (EntryKind.FOLDER, "models/deep"),
        "link": (EntryKind.OTHER, "models/link"),
        "new\\nline <b>": (EntryKind.FILE, None),
        "out": (EntryKind.OTHER, "models/out"),
        "pipe": (EntryKind.OTHER, "models/pipe"),
        "socket": (EntryKind.OTHER, "models/socket"),
    }


@pytest.mark.parametrize("name", ["link", "out/secret.txt", "pipe", "socket", "deep", "nothing", "deep/a.txt/x"])
def test_nothing_but_a_plain_file_is_opened(root: Path, name: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011
        opened_file(root, (*ABOVE, *name.split("/")))


def test_a_linked_folder_on_the_way_is_not_followed(root: Path) -> None:
    (root / "project" / "models" / "2").symlink_to("1")
    with pytest.raises(OSError):  # noqa: PT011
        listed(root, ("project", "models", "2"), "models", after=None, most=10)
    with pytest.raises(FolderMissing):
        listed(root, ("project", "models", "3"), "models", after=None, most=10)


def test_a_folder_comes_in_parts_each_name_once(tmp_path: Path) -> None:
    for number in range(25):
        (tmp_path / f"{number:02}").touch()
    names, after = [], None
    while True:
        found = listed(tmp_path, (), "models", after=after, most=10)
        names += [entry.name for entry in found.entries]
        after = found.next
        if after is None:
            break
    assert names == [f"{number:02}" for number in range(25)]
    assert not found.truncated


def test_a_folder_of_very_many_entries_is_not_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_LOOKED_AT == 20_000
    monkeypatch.setattr("app.services.file_listing.MOST_LOOKED_AT", 5)
    for number in range(8):
        (tmp_path / str(number)).touch()
    found = listed(tmp_path, (), "models", after=None, most=10)
    assert (len(found.entries), found.truncated) == (5, True)


def npy(head: str, *, version: int = 1) -> bytes:
    text = head.encode("latin-1")
    size = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + text


def zipped(**files: bytes) -> BytesIO:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.npy", data)
    return made


HEAD = "{'descr': '<f4', 'fortran_order': False, 'shape': (784, 10), }"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_arrays_are_read_without_numpy(version: int) -> None:
    found = npy_head(npy(HEAD, version=version), "w")
    assert (found.name, found.dtype, found.shape) == ("w", "<f4", (784, 10))
    heads, total = npz_heads(zipped(w=npy(HEAD), b=npy("{'descr': '<f8', 'fortran_order': False, 'shape': ()}")))
    assert [(head.name, head.shape) for head in heads] == [("w", (784, 10)), ("b", ())]
    assert total == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY\x01\x00",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        npy("__import__('os').system('false')"),
        npy("{'descr': '<f4', 'shape': 'abc'}"),
        npy("{'descr': '<f4', 'shape': (1e400,)}"),
        npy("[]"),
        npy("(" * 9_000),
        npy("-" * 9_000 + "1"),
        npy("{" + "'shape': (" + "9" * 6_000 + ",)}"),
    ],
)
def test_a_hostile_head_is_refused(data: bytes) -> None:
    with pytest.raises(NotArrays):
        npy_head(data)
    with pytest.raises(NotArrays):
        npz_heads(zipped(x=data))


def test_a_zip_is_only_looked_at_within_bounds() -> None:
    with pytest.raises(NotArrays):
        npz_heads(BytesIO(b"PK\x05\x06" + b"\xff" * 18))
    bomb = zipped(x=npy(HEAD) + bytes(50_000_000))
    assert npz_heads(bomb)[0][0].shape == (784, 10)
    many = zipped(**{f"{number:060}": npy(HEAD) for number in range(1_000)})
    heads, total = npz_heads(many)
    assert (len(heads), total) == (200, 1_000)
    wide = BytesIO()
    with zipfile.ZipFile(wide, "w") as archive:
        for number in range(300):
            archive.writestr(zipfile.ZipInfo(f"{number}" + "x" * 60_000), b"")
    with pytest.raises(NotArrays):
        npz_heads(wide)
