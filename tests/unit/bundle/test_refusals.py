"""Every hostile or broken upload is refused with the right code, a sentence of its own, and within bounds."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.bundle.canonical import canonicalise
from app.domain.bundle.limits import MIB, Limits
from app.domain.bundle.receive import ArchiveReceiver
from app.domain.bundle.refusals import Refusal, refuse, shown
from app.errors import TaasError
from tests.support.archives import GOOD, RUN, ZipMember, make_tar, make_tar_gz, make_tar_of, make_zip, raw_zip
from tests.support.bundles import bundle_of, bundle_of_folder
from tests.support.hostile import BAD_PATHS, other_corpus, tar_corpus, zip_corpus

ZIPS, TARS, OTHERS = zip_corpus(), tar_corpus(), other_corpus()


@pytest.mark.parametrize("name", ZIPS)
def test_hostile_zips(name: str) -> None:
    _check(*ZIPS[name])


@pytest.mark.parametrize("name", TARS)
def test_hostile_tars(name: str) -> None:
    _check(*TARS[name])


@pytest.mark.parametrize("name", TARS)
def test_the_same_tars_in_gzip(name: str) -> None:
    archive, refusal = TARS[name]
    if len(archive) > Limits().ratio_free_bytes:
        refusal = Refusal.BOMB  # nothing but headers compresses as well as one
    _check(gzip.compress(archive), refusal)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_archive(name: str) -> None:
    _check(*OTHERS[name])


@pytest.mark.parametrize("name", BAD_PATHS)
def test_bad_paths_from_a_browser(name: str) -> None:
    path, refusal = BAD_PATHS[name]
    with pytest.raises(TaasError) as caught:
        bundle_of_folder({"run.sh": RUN, path: b""})
    assert caught.value.code == refusal


def test_an_empty_folder_from_a_browser() -> None:
    with pytest.raises(TaasError) as caught:
        bundle_of_folder({})
    assert caught.value.code == Refusal.EMPTY


FILES = {"run.sh": RUN, "a": b"x" * 3000}
MAKERS = {"zip": make_zip, "tar": make_tar, "tar.gz": make_tar_gz}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_one_byte_or_one_entry_too_many(make: object) -> None:
    archive = make(FILES)  # type: ignore[operator]
    _check(archive, Refusal.TOO_LARGE, Limits(max_bytes=3000 + len(RUN) - 1))
    _check(archive, Refusal.TOO_MANY, Limits(max_entries=1))


def test_one_byte_or_one_entry_too_many_from_a_browser() -> None:
    for limits, refusal in (
        (Limits(max_bytes=3000 + len(RUN) - 1), Refusal.TOO_LARGE),
        (Limits(max_entries=1), Refusal.TOO_MANY),
    ):
        with pytest.raises(TaasError) as caught:
            bundle_of_folder(FILES, limits)
        assert caught.value.code == refusal
        assert caught.value.status == 413


def test_every_refusal_has_an_upload_that_meets_it() -> None:
    met = {refusal for corpus in (ZIPS, TARS, OTHERS) for _, refusal in corpus.values()}
    assert met | {Refusal.TOO_LARGE} == set(Refusal)


def test_every_refusal_has_a_sentence_of_its_own_with_a_remedy() -> None:
    sentences = {refuse(refusal, path="some/file", detail="This", limit="9").detail for refusal in Refusal}
    assert len(sentences) == len(Refusal)
    for sentence in sentences:
        assert sentence.endswith((".", ")."))
        assert sentence.count(". ") >= 1, f"names no remedy: {sentence}"


def test_a_refusal_names_the_file_safely() -> None:
    assert shown("a\x1b[2J\u202eb") == "“a\\u{1b}[2J\\u{202e}b”"
    assert len(shown("x" * 5000)) < 200
    with pytest.raises(TaasError, match="“<script>” is a link"):
        bundle_of(_zip_with_a_link("<script>"))


def test_the_receiver_stops_at_the_limit() -> None:
    """Nothing beyond the limit reaches the disk, however long the upload goes on."""
    limits = Limits(max_bytes=4 * MIB, max_entries=10)
    scratch = io.BytesIO()
    receiver = ArchiveReceiver(scratch, limits)
    chunk = b"PK\x03\x04" + bytes(MIB - 4)
    while len(scratch.getvalue()) + MIB <= limits.max_archive_bytes:
        receiver.write(chunk)
    with pytest.raises(TaasError) as caught:
        receiver.write(chunk)
    assert caught.value.code == Refusal.TOO_LARGE
    assert len(scratch.getvalue()) <= limits.max_archive_bytes


def test_a_gzip_bomb_is_refused_after_its_first_megabytes() -> None:
    limits = Limits()
    scratch = io.BytesIO()
    bomb = gzip.compress(bytes(16 * MIB)) * 128
    with pytest.raises(TaasError) as caught:
        ArchiveReceiver(scratch, limits).write(bomb)
    assert caught.value.code == Refusal.BOMB
    assert len(scratch.getvalue()) <= limits.ratio_free_bytes


LONG_NAMES = [("/".join([f"{n:0200}"] * 5), b"") for n in range(3000)]


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(make_zip({"run.sh": RUN, "zeros": bytes(64 * MIB)}), id="a large file"),
        pytest.param(make_tar_of(("run.sh", RUN), *LONG_NAMES), id="long names in a tar"),
        pytest.param(raw_zip([ZipMember(n.encode(), d) for n, d in [("run.sh", RUN), *LONG_NAMES]]), id="in a zip"),
    ],
)
def test_memory_stays_bounded(archive: bytes) -> None:
    limits = Limits(max_ratio=5000)
    receiver = ArchiveReceiver(io.BytesIO(), limits)
    receiver.write(archive)
    tracemalloc.start()
    try:
        canonicalise(receiver.entries(), _Nowhere(), limits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * MIB


@pytest.mark.parametrize("name", ["huge pax header", "huge long name"])
def test_a_huge_header_is_not_read(name: str) -> None:
    receiver = ArchiveReceiver(io.BytesIO(), Limits())
    receiver.write(TARS[name][0])
    tracemalloc.start()
    try:
        with pytest.raises(TaasError):
            canonicalise(receiver.entries(), _Nowhere(), Limits())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MIB


_GOODS = [make_zip(GOOD), make_zip(GOOD, method=zipfile.ZIP_STORED), make_tar(GOOD), make_tar_gz(GOOD)]


@settings(max_examples=150)
@given(st.sampled_from(_GOODS), st.data())
def test_damage_anywhere_is_refused_or_harmless_and_never_a_crash(archive: bytes, data: st.DataObject) -> None:
    damaged = bytearray(archive)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for upload in (bytes(damaged), bytes(damaged[:cut])):
        try:
            result = bundle_of(upload)
        except TaasError:
            continue
        assert "run.sh" in result.files()


@settings(max_examples=100)
@given(st.binary(max_size=2000), st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"run.sh\0"]))
def test_noise_is_refused(noise: bytes, magic: bytes) -> None:
    with pytest.raises(TaasError):
        bundle_of(magic + noise)


def _check(archive: bytes, refusal: Refusal, limits: Limits | None = None) -> None:
    with pytest.raises(TaasError) as caught:
        bundle_of(archive, limits)
    assert caught.value.code == refusal, caught.value.detail
    assert caught.value.status in (413, 422)
    assert [error.pointer for error in caught.value.errors] == ["/archive"]


class _Nowhere(io.RawIOBase):
    def write(self, data: object) -> int:
        return len(data)  # type: ignore[arg-type]


def _zip_with_a_link(name: str) -> bytes:
    return raw_zip([ZipMember(name.encode(), b"x", mode=0o120777)])
