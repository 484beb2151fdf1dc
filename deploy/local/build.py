"""Builds the programs from pinned Go modules, one module per part, each cached under a hash of what defines it."""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.local import paths, toolchain, versions
from deploy.local.progress import say, step

FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")


def directories() -> dict[str, Path]:
    """Part to the directory of its binaries, built or not."""
    return {part: paths.binaries_root() / f"{part}-{fingerprint(part)}" for part in versions.PARTS}


def missing(parts: Sequence[str] = versions.PARTS) -> list[str]:
    return [part for part, directory in directories().items() if part in parts and not directory.exists()]


def ensure(parts: Sequence[str] = versions.PARTS) -> dict[str, Path]:
    """Build what is missing of these parts and return where everything is."""
    if missing(parts):
        paths.binaries_root().mkdir(parents=True, exist_ok=True, mode=0o700)
        with (paths.binaries_root() / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _build(missing(parts))
    found = directories()
    for part in parts:
        paths.mark_used(found[part])
    return found


def fingerprint(part: str) -> str:
    digest = hashlib.sha256(" ".join([platform.machine(), *_command(part, Path("-"))]).encode())
    for file in sorted((versions.GO_MODULES / part).iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _build(parts: Sequence[str]) -> None:
    go = toolchain.find_go()
    what = "one part" if len(parts) == 1 else f"{len(parts)} parts"
    most = "about 15 minutes on two cores and 9 GB of disk for all of them"
    say(f"Building {what} of Kubernetes from source, once: {most}.")
    for number, part in enumerate(parts, 1):
        with step(f"[{number} of {len(parts)}] {part} {versions.version_of(part)}"):
            _build_part(go, part)
    # The compiler's caches are of no use once every part is there.
    if not missing():
        shutil.rmtree(_go_caches(), ignore_errors=True)


def _build_part(go: Path, part: str) -> None:
    final = directories()[part]
    draft = final.with_name(f".{final.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("GOFLAGS", "GOOS", "GOARCH")} | {
        "CGO_ENABLED": "0",
        "GOWORK": "off",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-modcacherw",
        "GOCACHE": str(_go_caches() / "build"),
        "GOMODCACHE": str(_go_caches() / "modules"),
    }
    done = subprocess.run(
        [str(go), *_command(part, draft)],
        cwd=versions.GO_MODULES / part,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading")]
        raise RuntimeError(f"Building {part} failed:\n" + "\n".join(lines[-20:]))
    draft.replace(final)


def _command(part: str, target: Path) -> list[str]:
    link = "-s -w"
    if part == "kubernetes":
        version = versions.version_of(part)
        major, minor, _ = version.removeprefix("v").split(".")
        for name, value in {"gitVersion": version, "gitMajor": major, "gitMinor": minor}.items():
            for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
                link += f" -X {package}.{name}={value}"
    what = "." if part == "pause" else "tool"
    return ["build", *FLAGS, f"-ldflags={link}", "-o", f"{target}/", what]


def _go_caches() -> Path:
    return paths.cache_root() / "go"
