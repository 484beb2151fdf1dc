"""The whole API against its own document: made-up requests, good and bad, get documented answers and never a 5xx."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.main import create_app
from tests.support.database import PostgresForTests
from tests.support.server import WebProcess, web_process
from tests.support.web import settings_for_tests

schema = schemathesis.openapi.from_dict(create_app(settings_for_tests(Path("unused"))).openapi())


@pytest.fixture(scope="module")
async def server(postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebProcess]:
    async with postgres.fresh() as url, web_process(url, tmp_path_factory.mktemp("home")) as running:
        yield running


@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_is_as_documented(case: schemathesis.Case, server: WebProcess) -> None:
    case.call_and_validate(
        base_url=server.url,
        headers={"Authorization": f"Bearer {server.token}"},
        # What a schema cannot say (a cursor's origin, a kind's settings) is refused with 422, as documented.
        excluded_checks=[positive_data_acceptance],
    )
