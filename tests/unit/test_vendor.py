"""What is vendored is what the manifest says, and pages need nothing from anywhere else."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "app/ui"
VENDOR = UI / "static/vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())

sys.path.insert(0, str(ROOT / "scripts"))
import vendor  # noqa: E402


def test_every_vendored_file_has_the_hash_of_the_manifest() -> None:
    listed = {name: digest for package in MANIFEST["packages"] for name, digest in package["files"].items()}
    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert found == listed


def test_every_package_is_pinned_with_licence_and_integrity() -> None:
    for package in MANIFEST["packages"]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["license"] in {"0BSD", "MIT"}
        assert package["integrity"].startswith("sha512-")
        assert any(name.endswith("/LICENSE") for name in package["files"])
    assert {(p["name"], p["version"]) for p in MANIFEST["packages"]} == {(p.name, p.version) for p in vendor.PACKAGES}


def test_the_sprite_has_exactly_the_icons_that_pages_name() -> None:
    sprite = (VENDOR / "tabler-icons/icons.svg").read_text()
    assert re.findall(r'<symbol id="([a-z0-9-]+)"', sprite) == vendor.used_icons()


def test_pages_load_nothing_from_another_host_and_hold_no_inline_code() -> None:
    for path in [*UI.rglob("templates/**/*.html"), *UI.glob("static/*.*")]:
        text = path.read_text()
        for address in re.findall(
            r"""(?:src|href|action|url|import)\s*[=(]\s*["']?\s*((?:https?:)?//[^"')\s]+)""", text
        ):
            raise AssertionError(f"{path.relative_to(ROOT)} names {address}")
        if path.suffix == ".html":
            found = re.search(r"""<style|\sstyle=|\son[a-z]+=["']|hx-on|javascript:|["'{]js:""", text)
            assert found is None, f"{path.relative_to(ROOT)}: the policy would block {found and found[0]!r}"
            scripts = re.findall(r"<script(?![^>]*\bsrc=)", text)
            assert not scripts, f"{path.relative_to(ROOT)} has an inline script"


def test_stylesheets_import_nothing() -> None:
    for path in UI.rglob("static/**/*.css"):
        text = path.read_text()
        assert "@import" not in text
        assert not [u for u in re.findall(r"url\(\s*[\"']?([^\"')]+)", text) if not u.startswith("data:")], path.name
