"""`site`: a web process without a worker, on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.served import served
from tests.support.web import Web


@pytest.fixture
async def site(web: Web) -> AsyncIterator[str]:
    async with served(web) as url:
        yield url
