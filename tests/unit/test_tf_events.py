"""Files that TensorFlow, Keras and PyTorch wrote, as TensorBoard's own reader reads them; and files cut anywhere.

`tests/data/tfevents/expected.json` is what `tensorboard` 2.21 finds in the files beside it: by run and tag, each
value with its step and time. The tensors of `kinds` hold each kind of number in both of the ways that there are.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.crc32c import crc32c
from app.domain.protobuf import Malformed
from app.domain.tensor_proto import number_in
from app.domain.tf_events import scalars
from app.domain.tfrecord import HEADER, Damage, framed, split

FILES = Path(__file__).parent.parent / "data/tfevents"
EXPECTED = json.loads((FILES / "expected.json").read_text())


@pytest.mark.parametrize("run", sorted(EXPECTED))
def test_real_files_are_read_as_tensorboard_does(run: str) -> None:
    found: dict[str, list[list[float]]] = {}
    for path in sorted((FILES / run).glob("*tfevents*")):
        data = path.read_bytes()
        at = 0
        while at < len(data):
            piece = split(data[at:])
            assert piece.damage is None
            for record in piece.records:
                for one in scalars(record, lambda tag: tag in found):
                    found.setdefault(one.tag, []).append([one.point.step, one.point.at, one.point.value])
            at += piece.used + piece.skip
    # NaN is not equal to itself, but is written alike.
    assert json.dumps(found, sort_keys=True) == json.dumps(EXPECTED[run], sort_keys=True)


def test_the_checksum_is_the_known_one() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"") == 0


RECORDS = st.lists(st.binary(max_size=80), max_size=8)


@given(RECORDS, st.data())
def test_a_file_that_grows_gives_each_record_once(records: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(map(framed, records))
    ends = [*sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6))), len(whole)]
    found: list[bytes] = []
    at = 0
    for end in ends:
        piece = split(whole[at:end])
        assert piece.damage is None
        found += piece.records
        at += piece.used
    assert found == records
    assert at == len(whole)


@given(RECORDS.filter(any), st.data())
def test_a_wrong_bit_never_gives_another_record(records: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(b"".join(map(framed, records)))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    piece = split(bytes(whole))
    assert piece.damage is not None
    assert list(piece.records) == records[: len(piece.records)]
    if piece.damage.size is not None:  # only its data is broken: what follows can be read
        rest = split(bytes(whole[piece.used + piece.damage.size :]))
        assert list(rest.records) == records[len(piece.records) + 1 :]


def test_a_record_too_large_is_named_before_it_is_there() -> None:
    large = framed(bytes(5000))
    piece = split(framed(b"small") + large[:HEADER], largest=4096)
    assert piece.records == (b"small",)
    assert piece.skip == len(large)


def test_zeros_where_a_record_will_be_are_damage() -> None:
    assert split(bytes(64)).damage == Damage(None)


@given(st.binary(max_size=300))
@example(b"\x2a\x05\x0a\x03\x0a\x01a")
def test_whatever_is_in_a_record_is_read_or_refused(data: bytes) -> None:
    try:
        found = scalars(data, lambda tag: True)
    except Malformed:
        return
    assert all(one.point.at >= 0 and -(2**63) <= one.point.step < 2**63 for one in found)
    assert all("\0" not in one.tag for one in found)


@given(st.binary(max_size=120))
def test_whatever_is_in_a_tensor_is_read_or_refused(data: bytes) -> None:
    try:
        number = number_in(data)
    except Malformed:
        return
    assert number is None or isinstance(number, float)


def test_a_tag_without_metadata_is_a_scalar_only_when_it_is_known_as_one() -> None:
    tensor = b"\x08\x01\x12\x00\x2a\x04\x00\x00\x00\x3f"  # DT_FLOAT, no dimensions, float_val [0.5]
    value = b"\x0a\x01t\x42" + bytes([len(tensor)]) + tensor
    event = b"\x10\x07\x2a" + bytes([len(value) + 2]) + b"\x0a" + bytes([len(value)]) + value
    assert scalars(event) == []
    (one,) = scalars(event, lambda tag: tag == "t")
    assert (one.tag, one.point.step, one.point.value) == ("t", 7, 0.5)
    assert math.isfinite(one.point.at)
