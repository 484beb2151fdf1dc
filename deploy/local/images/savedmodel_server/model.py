"""One version of a SavedModel: its signatures, and predictions with them."""

from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

SERVE = "serve"
DEFAULT_SIGNATURE = "serving_default"


class BadRequest(ValueError):
    """What a caller did wrong, in words."""


class Model:
    """A SavedModel that is loaded; raises OSError or ValueError while that is not possible."""

    def __init__(self, directory: Path) -> None:
        self.version = int(directory.name)
        self.signatures = _signatures(directory)
        self._loaded = tf.saved_model.load(str(directory))

    def predict(self, name: str, given: dict[str, Any]) -> dict[str, tf.Tensor]:
        """Outputs by name, from inputs by name: tensors, arrays or nested lists."""
        signature = self.signature(name)
        if given.keys() != signature.inputs.keys():
            raise BadRequest(f"The inputs are {sorted(signature.inputs)}, not {sorted(given)}.")
        try:
            tensors = {
                key: tf.convert_to_tensor(value, dtype=tf.dtypes.as_dtype(signature.inputs[key].dtype))
                for key, value in given.items()
            }
            return dict(self._loaded.signatures[name or DEFAULT_SIGNATURE](**tensors))
        except (TypeError, ValueError, tf.errors.InvalidArgumentError) as problem:
            raise BadRequest(str(problem)) from problem

    def signature(self, name: str) -> meta_graph_pb2.SignatureDef:
        found = self.signatures.get(name or DEFAULT_SIGNATURE)
        if found is None:
            raise BadRequest(f"There is no signature {name!r}; there are {sorted(self.signatures)}.")
        return found


def newest(base: Path) -> Path | None:
    """The directory of the highest version under a model's base path, as TensorFlow Serving chooses by default."""
    versions = [entry for entry in base.iterdir() if entry.is_dir() and entry.name.isdecimal()]
    return max(versions, key=lambda entry: int(entry.name), default=None)


def _signatures(directory: Path) -> dict[str, meta_graph_pb2.SignatureDef]:
    saved = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    for graph in saved.meta_graphs:
        if SERVE in graph.meta_info_def.tags:
            return dict(graph.signature_def)
    raise ValueError(f"{directory} has no graph with the tag {SERVE!r}")
