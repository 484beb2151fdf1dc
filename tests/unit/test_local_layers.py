"""Images of the local cluster: what defines them, and the archive that containerd is given."""

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local import layers
from deploy.local.layers import Image, Layer


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAAS_CACHE", str(tmp_path))


def layer(recipe: Path, **changes) -> Layer:
    def make(target: Path, base: Path | None) -> None:
        (target / "file").write_text(recipe.read_text())

    return replace(Layer("one", make, (recipe,)), **changes)


def test_a_layer_is_made_once_and_again_when_its_recipe_changes(tmp_path: Path):
    recipe = tmp_path / "recipe"
    recipe.write_text("a")
    image = Image("localhost/x:1", (layer(recipe),))
    layers.ensure((image,))
    first = image.layers[0].tar()
    made = first.stat().st_mtime_ns
    layers.ensure((image,))
    assert first.stat().st_mtime_ns == made

    recipe.write_text("b")
    assert layers.missing((image,)) == [image.layers[0]]
    layers.ensure((image,))
    assert image.layers[0].tar() != first
    with tarfile.open(image.layers[0].tar()) as tar:
        assert tar.extractfile("./file").read() == b"b"


def test_a_layer_changes_with_the_one_below(tmp_path: Path):
    low, high = tmp_path / "low", tmp_path / "high"
    low.write_text("a")
    high.write_text("a")
    below = layer(low)
    before = layer(high, name="two", below=below).fingerprint()
    low.write_text("b")
    assert layer(high, name="two", below=below).fingerprint() != before


def test_the_archive_names_its_layers_by_their_digests(tmp_path: Path):
    recipe = tmp_path / "recipe"
    recipe.write_text("content")
    image = Image("localhost/x:1", (layer(recipe),), {"User": "1000:1000"})
    layers.ensure((image,))
    written = io.BytesIO()
    layers.write_archive(image, written)

    with tarfile.open(fileobj=io.BytesIO(written.getvalue())) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json"))
        config = json.load(archive.extractfile(manifest["Config"]))
        digests = [hashlib.sha256(archive.extractfile(name).read()).hexdigest() for name in manifest["Layers"]]
    assert manifest["RepoTags"] == ["localhost/x:1"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in digests]
    assert config["config"] == {"User": "1000:1000"}


def test_a_failure_leaves_no_layer(tmp_path: Path):
    recipe = tmp_path / "recipe"
    recipe.write_text("a")

    def fail(target: Path, base: Path | None) -> None:
        raise RuntimeError("no network")

    image = Image("localhost/x:1", (layer(recipe, make=fail),))
    with pytest.raises(RuntimeError, match="no network"):
        layers.ensure((image,))
    assert layers.missing((image,)) == list(image.layers)
