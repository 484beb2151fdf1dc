"""Gets images into an instance's containerd, pinned: what cannot be pulled must never be collected."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from deploy.local import build, layers, namespace
from deploy.local.layers import Image
from deploy.local.progress import step

RECIPE = "taas-local/recipe"
PIN = "io.cri-containerd.pinned=pinned"


def ensure_images(holder: int, snapshotter: str, images: Sequence[Image] = layers.IMAGES) -> None:
    """Load those of these images that are not there yet, or are there in an older form."""
    present = _listed(holder)
    for image in images:
        label = f"{RECIPE}={image.fingerprint()}"
        known = present.get(image.reference, "")
        if label not in known:
            with step(f"Loading {image.reference}"):
                _import(holder, snapshotter, lambda pipe, image=image: layers.write_archive(image, pipe))
                _label(holder, image.reference, label)
        if PIN not in known:
            _label(holder, image.reference, PIN)


def load(holder: int, snapshotter: str, archive: Path) -> list[str]:
    """Load a docker-archive; returns the names of the images that are new or changed."""
    before = _listed(holder)

    def send(pipe: IO[bytes]) -> None:
        with archive.open("rb") as source:
            while chunk := source.read(1 << 20):
                pipe.write(chunk)

    _import(holder, snapshotter, send)
    after = _listed(holder)
    loaded = [reference for reference in after if after[reference] != before.get(reference)]
    for reference in loaded:
        _label(holder, reference, PIN)
    return loaded


def _ctr(*arguments: str) -> list[str]:
    return [f"{build.directories()['containerd']}/ctr", "--namespace", "k8s.io", *arguments]


def _listed(holder: int) -> dict[str, str]:
    """Reference to the rest of its line, which ends in its labels."""
    lines = namespace.run(holder, _ctr("images", "list")).splitlines()[1:]
    return {line.split()[0]: line.partition(" ")[2] for line in lines}


def _label(holder: int, reference: str, label: str) -> None:
    namespace.run(holder, _ctr("images", "label", reference, label))


def _import(holder: int, snapshotter: str, send: Callable[[IO[bytes]], None]) -> None:
    options = ["--local", "--discard-unpacked-layers", "--snapshotter", snapshotter]
    reader, writer = os.pipe()
    problems: list[BaseException] = []

    def feed() -> None:
        try:
            with os.fdopen(writer, "wb") as pipe:
                send(pipe)
        except BaseException as problem:
            problems.append(problem)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        namespace.run(holder, _ctr("images", "import", *options, "-"), stdin=reader)
    finally:
        os.close(reader)
        feeder.join()
    if problems and not isinstance(problems[0], BrokenPipeError):
        raise problems[0]
