"""Running an upload through the pure part, as the service does."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.algorithm import Bundle
from app.domain.bundle.canonical import canonicalise
from app.domain.bundle.limits import Limits
from app.domain.bundle.receive import ArchiveReceiver, FolderReceiver


@dataclass(frozen=True)
class Result:
    bundle: Bundle
    archive: bytes

    def files(self) -> dict[str, bytes]:
        """What a standard tar reader finds in the canonical archive."""
        with tarfile.open(fileobj=io.BytesIO(self.archive), mode="r:gz") as tar:
            return {m.name: (tar.extractfile(m) or io.BytesIO()).read() for m in tar.getmembers() if m.isfile()}


def bundle_of(archive: bytes, limits: Limits | None = None, *, chunk: int = 65_536) -> Result:
    """The bundle made of an archive that arrives in chunks of that size."""
    limits = limits or Limits()
    receiver = ArchiveReceiver(io.BytesIO(), limits)
    for start in range(0, len(archive), chunk):
        receiver.write(archive[start : start + chunk])
    target = io.BytesIO()
    return Result(canonicalise(receiver.entries(), target, limits), target.getvalue())


def bundle_of_folder(files: Mapping[str, bytes], limits: Limits | None = None) -> Result:
    """The bundle made of files that a browser sends one by one."""
    limits = limits or Limits()
    receiver = FolderReceiver(io.BytesIO(), limits)
    for name, data in files.items():
        receiver.begin(name)
        receiver.write(data)
    target = io.BytesIO()
    return Result(canonicalise(receiver.entries(), target, limits), target.getvalue())
