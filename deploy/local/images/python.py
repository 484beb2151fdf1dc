"""Debian with its Python, bash, tar, gzip and coreutils."""

import os
from pathlib import Path

from deploy.local import toolchain
from deploy.local.images.steps import remove, run

RELEASE = "bookworm"
MIRROR = os.environ.get("TAAS_DEBIAN_MIRROR", "http://deb.debian.org/debian")

# Read by nobody in a pod.
NOT_NEEDED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/lintian",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/cache/debconf",
    "var/log",
)


def make(target: Path, base: Path | None) -> None:
    # In mounts of its own: whatever debootstrap leaves mounted goes with them.
    run(
        *("unshare", "--mount", str(toolchain.which("debootstrap"))),
        *("--variant=minbase", "--include=python3,ca-certificates", RELEASE, str(target), MIRROR),
    )
    for path in NOT_NEEDED:
        remove(target / path)
    for path in ("dev", "proc", "sys", "run", "tmp", "var/log"):
        remove(target / path)
        (target / path).mkdir()
    (target / "tmp").chmod(0o1777)
    (target / "usr/local/bin/python").symlink_to("/usr/bin/python3")
