"""The scalars in TensorFlow's Event messages: `simple_value` as TensorFlow 1 and PyTorch write it, tensors as
`tf.summary.scalar` of TensorFlow 2 does.

Histograms, pictures, text, hyperparameters and graphs are passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from app.domain.metric import Point
from app.domain.protobuf import BYTES, EIGHT_BYTES, FOUR_BYTES, Malformed, Value, fields, signed
from app.domain.tensor_proto import number_in

PLUGIN = "scalars"
_LATEST = 253402300799.0  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value of one tag."""

    tag: str
    point: Point


def scalars(event: bytes, is_scalar: Callable[[str], bool] = lambda tag: False) -> list[Scalar]:
    """The scalars of one Event.

    A tensor's kind stands in its metadata, which a writer may leave out after a tag's first value: `is_scalar` says
    whether a tag is known to be one. Raises Malformed.
    """
    at, step, summary = 0.0, 0, b""
    for number, kind, value in fields(event):
        if number == 1 and kind == EIGHT_BYTES:
            at = _unpacked("<d", value)
        elif number == 2 and isinstance(value, int):
            step = signed(value)
        elif number == 5 and kind == BYTES and isinstance(value, bytes):
            summary = value
    if not (isfinite(at) and 0 <= at <= _LATEST):
        return []
    found = []
    for number, kind, value in fields(summary):
        if number == 1 and kind == BYTES and isinstance(value, bytes):
            tag, read = _value(value, is_scalar)
            if read is not None:
                found.append(Scalar(tag, Point(step, at, read)))
    return found


def _value(data: bytes, is_scalar: Callable[[str], bool]) -> tuple[str, float | None]:
    """Tag and number of a Summary.Value; None when it holds something else."""
    tag, plugin = "", ""
    simple: float | None = None
    tensor: bytes | None = None
    for number, kind, value in fields(data):
        if number == 1 and kind == BYTES:
            tag = _text(value)
        elif number == 2 and kind == FOUR_BYTES:
            simple = _unpacked("<f", value)
        elif number == 8 and isinstance(value, bytes):
            tensor = value
        elif number == 9 and isinstance(value, bytes):
            plugin = _plugin(value)
    if simple is not None:
        return tag, simple
    if tensor is not None and (plugin == PLUGIN or (not plugin and is_scalar(tag))):
        return tag, number_in(tensor)
    return tag, None


def _plugin(metadata: bytes) -> str:
    """SummaryMetadata.plugin_data.plugin_name."""
    for number, kind, value in fields(metadata):
        if number == 1 and kind == BYTES and isinstance(value, bytes):
            return next((_text(name) for inner, _, name in fields(value) if inner == 1), "")
    return ""


def _unpacked(form: str, value: Value) -> float:
    if not isinstance(value, bytes):
        raise Malformed("an integer where a number was meant")
    return float(struct.unpack(form, value)[0])


def _text(value: Value) -> str:
    """As PostgreSQL and pages can hold it."""
    if not isinstance(value, bytes):
        raise Malformed("a number where a name was meant")
    return value.decode("utf-8", "replace").replace("\0", "�")
