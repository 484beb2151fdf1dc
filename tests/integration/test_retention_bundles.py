"""Bundles that no version has are removed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from app.domain.algorithm import bundle_key
from tests.support.retention import retaining
from tests.support.web import Web


async def test_bundles_of_no_version_go_after_a_day(web: Web, tmp_path: Path) -> None:
    store = web.context.storage
    await store.put_bytes(bundle_key("0" * 64), b"old")
    await store.put_bytes(bundle_key("1" * 64), b"an upload under way")
    yesterday = time.time() - 90_000
    os.utime(tmp_path / "objects" / bundle_key("0" * 64), (yesterday, yesterday))
    bundles = (await retaining(web).look()).bundles
    assert (bundles.bundles, bundles.size) == (1, 3)
    assert bundles.oldest is not None
    assert abs(bundles.oldest.timestamp() - yesterday) < 1
    await retaining(web).remove()
    assert [info.key for info in await store.list("bundles")] == [bundle_key("1" * 64)]
