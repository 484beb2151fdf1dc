"""`browser`: Chromium, one for all tests. `site`: a web process without a worker, on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.support.browser import chromium
from tests.support.served import served
from tests.support.web import Web


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def site(web: Web) -> AsyncIterator[str]:
    async with served(web) as url:
        yield url
