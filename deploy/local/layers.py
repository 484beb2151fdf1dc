"""Layers of images in the cache: each made once under a hash of its recipe, and the archive that carries them."""

import fcntl
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.local import paths, versions
from deploy.local.images import haproxy, pause, python, savedmodel_server, tensorflow, torch
from deploy.local.progress import step


@dataclass(frozen=True)
class Layer:
    name: str
    make: Callable[[Path, Path | None], None]  # fills a directory; the second is the layer below, unpacked
    inputs: tuple[Path, ...] = ()
    below: "Layer | None" = None
    about: str = ""  # how long it takes, for whoever waits

    def fingerprint(self) -> str:
        digest = hashlib.sha256(f"{self.name} {platform.machine()}".encode())
        for file in self.inputs:
            digest.update(file.read_bytes())
        if self.below:
            digest.update(self.below.fingerprint().encode())
        return digest.hexdigest()[:12]

    def tar(self) -> Path:
        return paths.images_root() / f"{self.name}-{self.fingerprint()}.tar"

    def tree(self) -> Path:
        """The content as files: kept for the layers that others build upon."""
        return self.tar().with_suffix(".tree")


@dataclass(frozen=True)
class Image:
    reference: str
    layers: tuple[Layer, ...]
    config: dict[str, object] = field(default_factory=dict)

    def fingerprint(self) -> str:
        made = json.dumps([[layer.fingerprint() for layer in self.layers], self.config])
        return hashlib.sha256(made.encode()).hexdigest()[:12]


PAUSE = Layer("pause", pause.make, tuple(sorted((versions.GO_MODULES / "pause").iterdir())))
PYTHON = Layer("python", python.make, (Path(python.__file__),), about="about a minute")
TENSORFLOW = Layer(
    "tensorflow",
    tensorflow.make,
    (Path(tensorflow.__file__), tensorflow.LOCK),
    below=PYTHON,
    about="about three minutes",
)
HAPROXY = Layer("haproxy", haproxy.make, (Path(haproxy.__file__),), below=PYTHON)
SAVEDMODEL_SERVER = Layer(
    "savedmodel-server",
    savedmodel_server.make,
    (Path(savedmodel_server.__file__), savedmodel_server.LOCK, *savedmodel_server.PROGRAMS),
    below=TENSORFLOW,
)
TORCH = Layer(
    "torch",
    torch.make,
    (Path(torch.__file__),),
    below=PYTHON,
    about="about four minutes",
)

_PATH = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"], "User": "1000:1000", "WorkingDir": "/tmp"}
IMAGES = (
    Image("localhost/taas/pause:1", (PAUSE,), {"Entrypoint": ["/pause"], "User": "65535:65535"}),
    Image("localhost/taas/python:3.11", (PYTHON,), _PATH | {"Cmd": ["python3"]}),
    Image("localhost/taas/tensorflow:2.21", (PYTHON, TENSORFLOW), _PATH | {"Cmd": ["python3"]}),
    Image(
        "localhost/taas/haproxy:2.6",
        (PYTHON, HAPROXY),
        _PATH | {"Env": ["PATH=/usr/sbin:/usr/bin:/bin", "LANG=C.UTF-8"], "Cmd": ["haproxy", "-v"]},
    ),
    Image(
        "localhost/taas/savedmodel-server:2.21",
        (PYTHON, TENSORFLOW, SAVEDMODEL_SERVER),
        _PATH | {"Entrypoint": ["python3", "/opt/savedmodel-server/server.py"]},
    ),
)
# Made and loaded only when asked for (`python3 -m deploy.local image torch`).
ON_REQUEST = {"torch": Image("localhost/taas/torch:1.13", (TORCH,), _PATH | {"Cmd": ["python3"]})}


def missing(images: Sequence[Image] = IMAGES) -> list[Layer]:
    wanted = {layer.name: layer for image in images for layer in image.layers}
    return [layer for layer in wanted.values() if not layer.tar().exists()]


def ensure(images: Sequence[Image] = IMAGES) -> None:
    """Make the layers of these images that are not in the cache yet."""
    if missing(images):
        _make_missing(images)
    for image in images:
        for layer in image.layers:
            paths.mark_used(layer.tar())


def _make_missing(images: Sequence[Image]) -> None:
    paths.images_root().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (paths.images_root() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        todo = missing(images)
        for number, layer in enumerate(todo, 1):
            about = f" ({layer.about})" if layer.about else ""
            with step(f"[{number} of {len(todo)}] Making the image layer {layer.name}{about}"):
                _make(layer)


def write_archive(image: Image, target: IO[bytes]) -> None:
    """The image as a docker-archive, streamed: layers are not copied on disk."""
    files = [layer.tar() for layer in image.layers]
    configuration = json.dumps(
        {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
            "os": "linux",
            "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(file)}" for file in files]},
        }
    ).encode()
    manifest = json.dumps(
        [{"Config": "config.json", "RepoTags": [image.reference], "Layers": [file.name for file in files]}]
    ).encode()
    with tarfile.open(fileobj=target, mode="w|") as archive:
        for name, content in (("config.json", configuration), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for file in files:
            archive.add(file, arcname=file.name)


def _make(layer: Layer) -> None:
    final, draft, tree = layer.tar(), layer.tar().with_suffix(".new"), layer.tree()
    os.umask(0o022)  # pods read the files as another user
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    if layer.below and not layer.below.tree().exists():
        _unpack(layer.below)
    layer.make(tree, layer.below.tree() if layer.below else None)
    subprocess.run(
        ["tar", "--create", "--file", str(draft), "--directory", str(tree), "--numeric-owner", "--sort=name", "."],
        check=True,
    )
    with draft.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    final.with_suffix(".sha256").write_text(digest)
    shutil.rmtree(tree)
    if layer.below:
        shutil.rmtree(layer.below.tree())
    draft.replace(final)


def _unpack(layer: Layer) -> None:
    layer.tree().mkdir()
    subprocess.run(["tar", "--extract", "--file", str(layer.tar()), "--directory", str(layer.tree())], check=True)


def _digest(tar: Path) -> str:
    return tar.with_suffix(".sha256").read_text().strip()
