"""Fixtures that most tests use. `database`: a migrated PostgreSQL database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from app.db.engine import Database
from tests.support.database import PostgresForTests, postgres_for_tests


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresForTests]:
    with postgres_for_tests() as running:
        yield running


@pytest.fixture
async def database_url(postgres: PostgresForTests) -> AsyncIterator[str]:
    async with postgres.fresh() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write tests/data/goldens from what is built now")
