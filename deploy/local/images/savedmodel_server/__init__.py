"""A small server that speaks TensorFlow Serving's protocols on a real SavedModel: two files beside TensorFlow.

`tensorflow/serving` cannot be built here in minutes, nor pulled without a registry. This is not it: it loads one model
version, batches nothing, and is named for what it is.
"""

import shutil
from pathlib import Path

from deploy.local import toolchain
from deploy.local.images.steps import run
from deploy.local.images.tensorflow import PACKAGES, PYTHON

HERE = Path(__file__).parent
LOCK = HERE / "requirements.txt"
PROGRAMS = (HERE / "server.py", HERE / "model.py")


def make(target: Path, base: Path | None) -> None:
    packages = target / PACKAGES
    packages.mkdir(parents=True)
    # Without its dependencies: TensorFlow, gRPC and protobuf are in the layer below.
    run(
        *(str(toolchain.find_uv()), "pip", "install", "--quiet", "--no-config", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--link-mode", "copy", "--python-version", PYTHON),
        *("--target", str(packages), "--requirements", str(LOCK)),
    )
    programs = target / "opt/savedmodel-server"
    programs.mkdir(parents=True)
    for file in PROGRAMS:
        shutil.copyfile(file, programs / file.name)
