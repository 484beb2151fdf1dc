"""TensorFlow for processors, and TensorBoard, without what only builders need; compiled, so that it starts fast."""

import subprocess
from pathlib import Path

from deploy.local import toolchain
from deploy.local.images.steps import remove, run

LOCK = Path(__file__).with_name("tensorflow.txt")  # made of tensorflow.in, see there
PYTHON = "3.11"
PACKAGES = Path("usr/local/lib/python3.11/dist-packages")  # on the path of Debian's Python
NOT_NEEDED = ("bin", ".lock", "clang", "libclang-*", "wheel", "wheel-*", "tensorflow/include", "*/__pycache__")


def make(target: Path, base: Path | None) -> None:
    packages = target / PACKAGES
    packages.mkdir(parents=True)
    run(
        *(str(toolchain.find_uv()), "pip", "install", "--quiet", "--no-config", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--link-mode", "copy", "--python-version", PYTHON),
        *("--target", str(packages), "--requirements", str(LOCK)),
    )
    for pattern in NOT_NEEDED:
        for path in packages.glob(pattern):
            remove(path)
    command = target / "usr/local/bin/tensorboard"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\nexec /usr/bin/python3 -m tensorboard.main "$@"\n')
    command.chmod(0o755)
    _compile(packages, base)


def _compile(packages: Path, base: Path | None) -> None:
    """Write byte code with the image's own Python; it is trusted unchecked, since a layer never changes."""
    script = (
        f"mount --rbind /dev {base}/dev && mount --bind {packages} {base}/{PACKAGES} && "
        f"exec chroot {base} python3 -m compileall -q -j 2 --invalidation-mode unchecked-hash /{PACKAGES}"
    )
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)
    # Some packages ship files for other Pythons: those do not compile here and are not imported here.
    if not (packages / "tensorflow" / "__pycache__").exists():
        raise RuntimeError(f"The image's byte code could not be compiled: {done.stderr or done.stdout}")
