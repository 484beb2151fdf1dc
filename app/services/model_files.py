"""Where in a directory a SavedModel is, on storages that TaaS itself can read."""

from __future__ import annotations

import asyncio

import fsspec

from app.domain.training import StorageMount
from app.errors import FieldError, InvalidInput
from app.k8s.manifests.storages import KINDS
from app.storage import StorageUnavailable

MARK = "saved_model.pb"
_DEPTH = 3  # of directories: <path>/<anything>/<version>/saved_model.pb
_USUAL = ("export", "saved_model", "model")


async def locate(storage: StorageMount, path: str, *, pointer: str) -> str:
    """The directory of the SavedModel at or below `path`, relative to the project's folder: of several the highest
    version, as TensorFlow Serving would choose. Where TaaS cannot look, it is `path` itself.

    Raises `InvalidInput` when there is none, or several that are not versions of one, and `StorageUnavailable`.
    """
    url = KINDS[storage.kind].url(storage.config)
    if url is None:
        return path
    found = await asyncio.to_thread(_models, f"{url}/{storage.folder}", path)
    if not found:
        detail = (
            f"There is no SavedModel in {path} (no file {MARK} in it or up to {_DEPTH - 1} directories below). "
            "Let the training export one to $TAAS_MODEL_DIR, such as tf.saved_model.save(model, …)."
        )
        raise InvalidInput(detail, errors=[FieldError(pointer, detail)])
    best = _best(found)
    if best is None:
        detail = f"There are several models below {path}: {', '.join(sorted(found)[:5])}. Give the path of one."
        raise InvalidInput(detail, errors=[FieldError("/path", detail)])
    return best


def _models(root: str, path: str) -> list[str]:
    fs, start = fsspec.core.url_to_fs(root)
    try:
        fs.invalidate_cache()
        files = fs.find(f"{start}/{path}" if path else start, maxdepth=_DEPTH)
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise StorageUnavailable(f"TaaS cannot look into the storage: {exc}.") from exc
    return [file.removeprefix(f"{start}/").rpartition("/")[0] for file in files if file.rpartition("/")[2] == MARK]


def _best(found: list[str]) -> str | None:
    if len(found) == 1:
        return found[0]
    parents = {directory.rpartition("/")[0] for directory in found}
    names = [directory.rpartition("/")[2] for directory in found]
    if len(parents) == 1 and all(name.isdecimal() for name in names):
        return max(found, key=lambda directory: int(directory.rpartition("/")[2]))
    usual = [directory for name in _USUAL for directory in found if directory.rpartition("/")[2] == name]
    return usual[0] if usual else None
