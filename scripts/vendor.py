"""Fetch the web assets that TaaS serves, and those that its tests need, and write down what they are.

`python scripts/vendor.py` packs each npm package at the version pinned here, checks the tarball against the
registry's own integrity value, copies only the files that pages use, builds one sprite of the icons they name, and
writes a `manifest.json` beside them. What it makes is committed, so nothing but a change of version needs npm.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "app/ui/static/vendor"
FOR_TESTS = ROOT / "tests/browser/vendor"
TEMPLATES = ROOT / "app/ui"
SPRITE = "icons.svg"


@dataclass(frozen=True)
class Package:
    """One npm package: where it goes, its licence (metadata is sloppy, so by its SPDX id), and the files taken."""

    name: str
    version: str
    spdx: str
    folder: str
    files: tuple[str, ...]
    under: Path = VENDOR
    license: str | None = "LICENSE"  # None: the tarball has none; the committed text comes from its repository


PACKAGES = (
    Package("htmx.org", "4.0.1", "0BSD", "htmx", ("dist/htmx.min.js", "dist/ext/hx-sse.min.js")),
    Package("@tabler/core", "1.6.1", "MIT", "tabler-core", ("dist/css/tabler.min.css",), license=None),
    Package("@tabler/icons", "3.52.0", "MIT", "tabler-icons", ()),
    Package("uplot", "1.6.32", "MIT", "uplot", ("dist/uPlot.iife.min.js", "dist/uPlot.min.css")),
    Package("axe-core", "4.14.1", "MPL-2.0", "axe-core", ("axe.min.js",), under=FOR_TESTS),
)


def main() -> None:
    entries: dict[Path, list[dict[str, object]]] = {VENDOR: [], FOR_TESTS: []}
    with tempfile.TemporaryDirectory() as scratch:
        for package in PACKAGES:
            unpacked, integrity = pack(package, Path(scratch))
            copy(package, unpacked)
            if package.name == "@tabler/icons":
                write_sprite(unpacked / "icons/outline", VENDOR / package.folder / SPRITE)
            entries[package.under].append(describe(package, integrity))
            print(f"{package.name} {package.version}")
    for folder, packages in entries.items():
        (folder / "manifest.json").write_text(json.dumps({"packages": packages}, indent=2) + "\n")


def pack(package: Package, scratch: Path) -> tuple[Path, str]:
    """Download and unpack one tarball after checking it. Returns its folder and npm's integrity value."""
    command = ["npm", "pack", f"{package.name}@{package.version}", "--json", "--pack-destination", str(scratch)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)[0]
    tarball = scratch / Path(answer["filename"]).name.replace("@", "").replace("/", "-")
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != answer["integrity"]:
        raise SystemExit(f"{package.name}: the tarball is not what the registry says it is; try again")
    with tarfile.open(tarball) as archive:
        archive.extractall(scratch / package.folder, filter="data")
    return scratch / package.folder / "package", answer["integrity"]


def copy(package: Package, unpacked: Path) -> None:
    """Put the wanted files and the licence where they belong, and drop what an earlier version left there."""
    folder = package.under / package.folder
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if package.license or old.name != "LICENSE":
            old.unlink()
    for name in (*package.files, *filter(None, [package.license])):
        (folder / Path(name).name).write_bytes((unpacked / name).read_bytes())
    if not (folder / "LICENSE").is_file():
        raise SystemExit(f"{package.name}: put its licence into {folder / 'LICENSE'}, the tarball has none")


def write_sprite(icons: Path, sprite: Path) -> None:
    """One SVG with a `<symbol>` for each icon that templates name; strokes and size come from `app.css`."""
    symbols = []
    for name in used_icons():
        source = icons / f"{name}.svg"
        if not source.is_file():
            raise SystemExit(f"there is no icon named {name!r} in @tabler/icons")
        shapes = re.sub(r"\A.*?<svg[^>]*>|</svg>\s*\Z", "", source.read_text(), flags=re.S)
        shapes = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>', "", shapes)
        shapes = re.sub(r"\s*\n\s*", "", shapes)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    sprite.write_text('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n")


_NAMED = (
    r"""\bicon(?:\(|=)["']([a-z0-9-]+)["']""",
    r"""\bui\.nothing\(["']([a-z0-9-]+)["']""",
    r"""\bui\.note\(["'][a-z]+["'], ["']([a-z0-9-]+)["']""",
)


def used_icons() -> list[str]:
    """The icon names in templates (`icon("check")`, `ui.nothing("check", …)`, `ui.note("good", "check")`) and in the
    tables of `app/ui` (`icon="check"`)."""
    found: set[str] = set()
    for path in sorted([*TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.py")]):
        for pattern in _NAMED:
            found.update(re.findall(pattern, path.read_text()))
    return sorted(found)


def describe(package: Package, integrity: str) -> dict[str, object]:
    """What the manifest says of one package."""
    folder = package.under / package.folder
    hashes = {
        f"{package.folder}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
    }
    return {
        "name": package.name,
        "version": package.version,
        "license": package.spdx,
        "integrity": integrity,
        "files": hashes,
    }


if __name__ == "__main__":
    main()
