"""Debian's PyTorch (a build for processors only) and its many libraries, as one layer with the whole system."""

from pathlib import Path

from deploy.local.images.python import NOT_NEEDED
from deploy.local.images.steps import remove, run

INSTALL = """
cp --archive {base}/. {target}
mount --rbind /dev {target}/dev
mount -t proc proc {target}/proc
touch {target}/etc/resolv.conf
mount --bind /etc/resolv.conf {target}/etc/resolv.conf
export DEBIAN_FRONTEND=noninteractive
chroot {target} apt-get -q update
chroot {target} apt-get -q -y --no-install-recommends install python3-torch
"""


def make(target: Path, base: Path | None) -> None:
    run("unshare", "--mount", "sh", "-euc", INSTALL.format(base=base, target=target))  # in mounts of its own
    for path in NOT_NEEDED:
        remove(target / path)
    (target / "var/log").mkdir()
