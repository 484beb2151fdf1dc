"""Debian's HAProxy and the libraries it needs beyond the base, as files: nothing is set up, so nothing is run."""

from pathlib import Path

from deploy.local.images.python import NOT_NEEDED
from deploy.local.images.steps import remove, run

INSTALL = """
root={target}/.system
cp --archive {base}/. $root
mount --rbind /dev $root/dev
mount -t proc proc $root/proc
touch $root/etc/resolv.conf
mount --bind /etc/resolv.conf $root/etc/resolv.conf
export DEBIAN_FRONTEND=noninteractive
chroot $root apt-get -q update
chroot $root apt-get -q -y --no-install-recommends --download-only install haproxy
for package in $root/var/cache/apt/archives/*.deb; do
    dpkg-deb --extract $package {target}
done
"""


def make(target: Path, base: Path | None) -> None:
    (target / ".system").mkdir()
    run("unshare", "--mount", "sh", "-euc", INSTALL.format(base=base, target=target))  # in mounts of its own
    remove(target / ".system")
    # The base has merged these directories: a layer with them apart would put its own in their place.
    for name in ("lib", "lib64", "bin", "sbin"):
        run("sh", "-euc", f"cd {target}; if [ -d {name} ]; then mkdir -p usr; cp -a {name} usr/; rm -r {name}; fi")
    for path in NOT_NEEDED:
        remove(target / path)
