"""What a model takes and gives, as TensorFlow Serving tells it, and a request made of it that the model accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT = "serving_default"
NUMBERS_MAX = 2_000
"""More than that in one sample is nothing to read or edit."""
_TEXTS = {"DT_STRING": "text", "DT_BOOL": False}
_FLOATS = ("DT_FLOAT", "DT_DOUBLE", "DT_HALF", "DT_BFLOAT16")
_WHOLE = ("DT_INT", "DT_UINT")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One input or output. A size of None may be anything, as the batch usually may; `shape` None: unknown."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None

    @property
    def kind(self) -> str:
        """Its type in short, such as `float`."""
        return self.dtype.removeprefix("DT_").lower()


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a model."""

    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def read(metadata: Mapping[str, Any]) -> tuple[Signature, ...]:
    """The signatures in an answer of `/v1/models/<name>/metadata`, the default one first.

    Raises ValueError when it is no such answer. What cannot be called (a model's initialisation) is left out.
    """
    try:
        found = metadata["metadata"]["signature_def"]["signature_def"]
        signatures = [
            Signature(name, _tensors(given.get("inputs", {})), _tensors(given.get("outputs", {})))
            for name, given in found.items()
            if not name.startswith("__")
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as exc:
        raise ValueError("That is not a description of a model.") from exc
    return tuple(sorted(signatures, key=lambda signature: (signature.name != DEFAULT, signature.name)))


def sample(signature: Signature) -> dict[str, Any] | None:
    """A body for `:predict` with one example in it; None when it would be too long to read, or cannot be known."""
    values = {}
    batched = all(tensor.shape and tensor.shape[0] is None for tensor in signature.inputs)
    for tensor in signature.inputs:
        shape = None if tensor.shape is None else tensor.shape[1:] if batched else tensor.shape
        if shape is None or math.prod(size or 1 for size in shape) > NUMBERS_MAX or not _known(tensor.dtype):
            return None
        values[tensor.name] = _filled(tensor.dtype, [size or 1 for size in shape])
    if not values:
        return None
    named = {} if signature.name == DEFAULT else {"signature_name": signature.name}
    if batched:
        return {**named, "instances": [next(iter(values.values())) if len(values) == 1 else values]}
    return {**named, "inputs": values}


def _tensors(found: Mapping[str, Any]) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(name, str(given["dtype"]), _shape(given.get("tensor_shape", {})))
        for name, given in sorted(found.items())
    )


def _shape(given: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    if given.get("unknown_rank") is True:
        return None
    sizes = [int(dimension["size"]) for dimension in given.get("dim", [])]
    return tuple(None if size < 0 else size for size in sizes)


def _known(dtype: str) -> bool:
    return dtype in _TEXTS or dtype in _FLOATS or dtype.startswith(_WHOLE)


def _filled(dtype: str, shape: list[int]) -> Any:
    if shape:
        return [_filled(dtype, shape[1:]) for _ in range(shape[0])]
    return _TEXTS.get(dtype, 0 if dtype.startswith(_WHOLE) else 0.5)
