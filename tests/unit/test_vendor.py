"""What is vendored is what the manifest says, and pages need nothing from anywhere else."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "app/ui"
VENDOR = UI / "static/vendor"
FOLDERS = (VENDOR, ROOT / "tests/browser/vendor")

sys.path.insert(0, str(ROOT / "scripts"))
import vendor  # noqa: E402


def packages_of(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text())["packages"]
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_vendored_file_has_the_hash_of_the_manifest(folder: Path) -> None:
    listed = {name: digest for package in packages_of(folder) for name, digest in package["files"].items()}
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert found == listed


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_package_is_pinned_with_licence_and_integrity(folder: Path) -> None:
    for package in packages_of(folder):
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["license"] in {"0BSD", "MIT", "MPL-2.0"}
        assert package["integrity"].startswith("sha512-")
        assert any(name.endswith("/LICENSE") for name in package["files"])
    pinned = {(one.name, one.version) for one in vendor.PACKAGES if one.under == folder}
    assert {(one["name"], one["version"]) for one in packages_of(folder)} == pinned


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
