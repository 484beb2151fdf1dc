"""What is removed from the cache of the local cluster, and what stays."""

import os
from pathlib import Path

import pytest

from deploy.local import build, layers, paths, prune

NOW = 2_000_000_000.0
DAY = 86400.0


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAAS_CACHE", str(tmp_path))
    paths.binaries_root().mkdir()
    paths.images_root().mkdir()
    return tmp_path


def made(path: Path, *, days_ago: float, used_days_ago: float | None = None) -> Path:
    path.mkdir() if "." not in path.name.removeprefix(".") else path.write_text("x")
    age = days_ago if used_days_ago is None else used_days_ago
    os.utime(path, (NOW - age * DAY, NOW - days_ago * DAY))
    return path


def test_only_what_is_neither_current_nor_used_goes() -> None:
    programs, images = paths.binaries_root(), paths.images_root()
    current = [
        made(build.directories()["etcd"], days_ago=99),
        made(layers.PYTHON.tar(), days_ago=99),
        made(layers.TORCH.tar(), days_ago=99),
    ]
    used = [
        made(programs / "etcd-000000000000", days_ago=99, used_days_ago=13),
        made(images / "python-000000000000.tar", days_ago=99, used_days_ago=1),
        made(images / "python-000000000000.sha256", days_ago=99),
        made(programs / "kwok-000000000000", days_ago=13),
    ]
    old = [
        made(programs / "etcd-111111111111", days_ago=15),
        made(images / "python-111111111111.tar", days_ago=99),
        made(images / "python-111111111111.sha256", days_ago=99),
    ]
    (programs / ".cni-222222222222.new").mkdir()
    os.utime(programs / ".cni-222222222222.new", (NOW - 15 * DAY, NOW - 15 * DAY))
    removed = prune.prune(NOW)
    assert removed == ["cni-222222222222", "etcd-111111111111", "python-111111111111"]
    assert all(path.exists() for path in current + used)
    assert not any(path.exists() for path in old)
    assert "python-111111111111" in prune.said(removed)
    assert prune.prune(NOW) == []
    assert "Nothing to remove" in prune.said([])


def test_using_something_keeps_it(tmp_path: Path) -> None:
    entry = made(paths.binaries_root() / "etcd-000000000000", days_ago=99)
    mtime = entry.stat().st_mtime
    paths.mark_used(entry)
    assert entry.stat().st_mtime == mtime
    assert prune.prune() == []
    assert entry.exists()


def test_an_empty_cache_is_fine(cache: Path) -> None:
    paths.binaries_root().rmdir()
    assert prune.prune(NOW) == []
