"""The program that holds a pod's network open."""

import shutil
from pathlib import Path

from deploy.local import build


def make(target: Path, base: Path | None) -> None:
    shutil.copy2(build.ensure(("pause",))["pause"] / "pause", target / "pause")
