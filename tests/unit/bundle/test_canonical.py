"""Whatever it came in, the same content gives the same canonical archive."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.bundle.limits import Limits
from tests.support.archives import GOOD, RUN, ZipMember, make_tar, make_tar_gz, make_zip, raw_zip
from tests.support.bundles import bundle_of, bundle_of_folder

# The digest is an identity that outlives releases: should this value ever change, every stored version is orphaned.
GOOD_DIGEST = "23678e303f4ec6338c82c3ab4cb0bd0ccc3f8362d270cbf1fdad4861a5ea7f35"

FORMATS = {
    "zip": make_zip(GOOD),
    "zip, stored": make_zip(GOOD, method=zipfile.ZIP_STORED),
    "zip without Unix modes": make_zip(GOOD, mode=None),
    "zip with a comment": raw_zip([ZipMember(n.encode(), d) for n, d in GOOD.items()], comment=b"PK\x05\x06 no"),
    "tar (pax)": make_tar(GOOD),
    "tar (gnu)": make_tar(GOOD, kind=tarfile.GNU_FORMAT),
    "tar (ustar)": make_tar(GOOD, kind=tarfile.USTAR_FORMAT),
    "tar.gz": make_tar_gz(GOOD),
    "tar.gz in two members": gzip.compress(make_tar(GOOD)[:700]) + gzip.compress(make_tar(GOOD)[700:]),
    "tar.gz padded with zeros": make_tar_gz(GOOD) + bytes(5000),
    "other order": make_tar(dict(reversed(GOOD.items()))),
    "one enclosing folder": make_zip({f"my algorithm/{name}": data for name, data in GOOD.items()}),
    "one enclosing folder, listed": make_tar({"x/": b""} | {f"x/{name}": data for name, data in GOOD.items()}),
    "folders listed": make_tar({"./": b"", "./data/": b""} | {f"./{name}": data for name, data in GOOD.items()}),
    "from a Mac": make_zip(
        {f"a/{name}": data for name, data in GOOD.items()}
        | {"__MACOSX/a/._run.sh": b"x", "a/.DS_Store": b"y", "a/data/._points.bin": b"z"}
    ),
    "run.sh with CRLF": make_tar({**GOOD, "run.sh": RUN.replace(b"\n", b"\r\n")}),
}


@pytest.mark.parametrize("archive", FORMATS.values(), ids=FORMATS.keys())
@pytest.mark.parametrize("chunk", [1, 4096])
def test_every_format_gives_the_same_bundle(archive: bytes, chunk: int) -> None:
    result = bundle_of(archive, chunk=chunk)
    assert result.bundle.digest == GOOD_DIGEST
    assert result.files() == GOOD


def test_a_folder_sent_by_a_browser_gives_it_too() -> None:
    assert bundle_of_folder({f"picked/{name}": data for name, data in GOOD.items()}).bundle.digest == GOOD_DIGEST


def test_the_digest_is_of_the_tar_and_the_index_points_into_it() -> None:
    result = bundle_of(make_zip(GOOD))
    tar = gzip.decompress(result.archive)
    assert hashlib.sha256(tar).hexdigest() == result.bundle.digest
    assert len(result.archive) == result.bundle.archive_size
    assert [file.path for file in result.bundle.files] == ["data/points.bin", "run.sh", "train.py"]
    for file in result.bundle.files:
        assert tar[file.offset : file.offset + file.size] == GOOD[file.path]
    assert [file.text for file in result.bundle.files] == [False, True, True]
    assert [file.executable for file in result.bundle.files] == [False, True, False]
    assert result.bundle.size == sum(map(len, GOOD.values()))


def test_owner_time_and_mode_are_the_same_for_everybody() -> None:
    result = bundle_of(make_tar({**GOOD, "tool": b"plain"}, mode=0o4751))
    with tarfile.open(fileobj=io.BytesIO(result.archive)) as tar:
        members = tar.getmembers()
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {(0, 0, "", "", 0)}
    assert {m.mode for m in members} == {0o755}
    assert {m.mode for m in _members(bundle_of(make_tar({**GOOD, "run.sh": b"echo"})).archive)} == {0o644}


def test_line_ends_are_changed_in_run_sh_only_and_said() -> None:
    windows = RUN.replace(b"\n", b"\r\n")
    result = bundle_of(make_zip({"run.sh": windows, "lib.sh": windows, "lib.py": windows}))
    assert result.files() == {"run.sh": RUN, "lib.sh": windows, "lib.py": windows}
    assert result.bundle.run_sh_normalised
    assert result.bundle.crlf_scripts == ("lib.sh",)


def test_empty_folders_stay_and_full_ones_are_implied() -> None:
    result = bundle_of(make_tar({"run.sh": RUN, "out/": b"", "src/": b"", "src/a": b"", "deep/er/": b""}))
    assert [member.name for member in _members(result.archive)] == ["deep/er", "out", "run.sh", "src/a"]


def test_only_one_enclosing_folder_is_taken_off() -> None:
    result = bundle_of(make_zip({"a/run.sh": RUN, "a/b/run.sh": RUN}))
    assert set(result.files()) == {"run.sh", "b/run.sh"}


NAMES = [
    "ünïcode/日本語.py",
    "e\u0301/x",
    "x" * 255,
    "/".join(["d" * 50] * 20),
    "a b/$(x) 'q' \"r\".txt",
    "café.txt",
    "-rf",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [make_zip, make_tar, make_tar_gz, bundle_of_folder], ids=lambda make: make.__name__)
def test_names_survive_to_the_byte(name: str, make: object) -> None:
    files = {"run.sh": RUN, name: b"content"}
    result = make(files) if make is bundle_of_folder else bundle_of(make(files))  # type: ignore[operator]
    assert result.files() == files


def test_gnu_long_names_and_ustar_prefixes_are_read() -> None:
    files = {"run.sh": RUN, "d" * 90 + "/" + "f" * 60: b"1"}
    for kind in (tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT):
        assert bundle_of(make_tar(files, kind=kind)).files() == files


def test_old_zip_names_are_read_as_dos_wrote_them() -> None:
    assert "café" in bundle_of(raw_zip([ZipMember(b"run.sh", RUN), ZipMember(b"caf\x82", b"")])).files()


def test_the_canonical_archive_is_its_own_canonical_form() -> None:
    once = bundle_of(make_zip({**GOOD, "out/": b"", "l" * 140: b"long"}))
    assert bundle_of(once.archive).archive == once.archive


def test_the_systems_tar_reads_it(tmp_path: Path) -> None:
    files = {**GOOD, "n" * 180 + "/ä": b"deep"}
    (tmp_path / "bundle.tar.gz").write_bytes(bundle_of(make_tar(files)).archive)
    subprocess.run(["tar", "-xzf", "bundle.tar.gz"], cwd=tmp_path, check=True)
    (tmp_path / "bundle.tar.gz").unlink()
    assert {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == files


def test_gnu_tar_told_to_be_reproducible_makes_the_very_same_bytes(tmp_path: Path) -> None:
    files = {**GOOD, "n" * 180 + "/ä": b"deep"}
    result = bundle_of(make_zip(files))
    for file in result.bundle.files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_bytes(files[file.path])
        (tmp_path / file.path).chmod(0o755 if file.executable else 0o644)
    options = [
        "--format=gnu",
        "-b1",
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--verbatim-files-from",
    ]
    paths = "\n".join(file.path for file in result.bundle.files).encode()
    made = subprocess.run(
        ["tar", *options, "-cf", "-", "-T", "-"], cwd=tmp_path, input=paths, check=True, capture_output=True
    )
    assert made.stdout == gzip.decompress(result.archive)


def test_what_the_systems_tar_makes_is_read(tmp_path: Path) -> None:
    for name, data in GOOD.items():
        (tmp_path / "up" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "up" / name).write_bytes(data)
    for options in (["-czf", "-", "up"], ["-cf", "-", "-C", "up", "."], ["--format=pax", "-czf", "-", "-C", "up", "."]):
        made = subprocess.run(["tar", *options], cwd=tmp_path, check=True, capture_output=True).stdout
        assert bundle_of(made).bundle.digest == GOOD_DIGEST


_part = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="/\\:"), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and not name.startswith("._") and name not in ("__MACOSX", ".DS_Store"))
_path = st.lists(_part, min_size=1, max_size=4).map("/".join)
_content = st.one_of(st.binary(max_size=3000), st.binary(min_size=1, max_size=8).map(lambda b: b * 40_000))


def _no_clash(files: dict[str, bytes]) -> bool:
    folders = {path[:at] for path in files for at, c in enumerate(path) if c == "/"}
    looks = {unicodedata.normalize("NFC", path) for path in files}
    return not folders & set(files) and len(looks) == len(files) and "run.sh" not in folders


@settings(max_examples=40)
@given(st.dictionaries(_path, _content, max_size=8).filter(_no_clash), st.randoms())
def test_any_content_round_trips_alike_through_every_format(files: dict[str, bytes], random: object) -> None:
    files = {**files, "run.sh": RUN}
    names = list(files)
    random.shuffle(names)  # type: ignore[attr-defined]
    shuffled = {name: files[name] for name in names}
    results = [bundle_of(make_zip(shuffled)), bundle_of(make_tar(shuffled)), bundle_of(make_tar_gz(files))]
    results.append(bundle_of_folder(shuffled))
    assert {result.bundle.digest for result in results} == {results[0].bundle.digest}
    assert results[0].files() == files
    for file in results[0].bundle.files:
        assert gzip.decompress(results[0].archive)[file.offset : file.offset + file.size] == files[file.path]


def test_limits_are_inclusive() -> None:
    files = {"run.sh": RUN, "data": bytes(1000)}
    exact = Limits(max_bytes=1000 + len(RUN), max_entries=2)
    for make in (make_zip, make_tar, make_tar_gz):
        assert bundle_of(make(files), exact).bundle.size == 1000 + len(RUN)
    assert bundle_of_folder(files, exact).bundle.size == 1000 + len(RUN)


def _members(archive: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getmembers()
