"""Fixtures that most tests use.

`database`: a migrated PostgreSQL database of the test's own; `local_cluster`: a real Kubernetes, shared; `browser`:
Chromium, one for all tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from app.db.engine import Database
from app.domain.access import UserRole
from app.settings import Settings
from tests.support.browser import chromium
from tests.support.cluster import LocalCluster, local_cluster_for_tests
from tests.support.database import PostgresForTests, postgres_for_tests
from tests.support.sharing import OneForACluster, misplaced, of_one_name
from tests.support.web import Web, web_for_tests

# An example that a busy machine was slow with is not wrong.
settings.register_profile("taas", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("taas")
# Plain tracebacks: rich ones, with what all variables hold, take seconds in which no server of a test answers.
_PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _PLAIN])
Settings.model_config["env_file"] = None  # no test reads the .env of whoever runs it


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


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return OneForACluster(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if wrong := misplaced(items):
        raise pytest.UsageError(f"tests marked `cluster` belong into tests/acceptance: {', '.join(wrong)}")
    if same := of_one_name(items):
        raise pytest.UsageError(f"each test needs a name of its own: {', '.join(same)}")


@pytest.fixture
async def web(database: Database, tmp_path: Path) -> AsyncIterator[Web]:
    """The application over `database`."""
    async with web_for_tests(database, tmp_path) as running:
        yield running


@pytest.fixture
async def admin(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that acts for an admin, by token."""
    async with web.client_of("ada", UserRole.ADMIN) as client:
        yield client


@pytest.fixture
async def member(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that acts for a member."""
    async with web.client_of("mel") as client:
        yield client


@pytest.fixture
async def viewer(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that acts for a viewer."""
    async with web.client_of("vic", UserRole.VIEWER) as client:
        yield client


@pytest.fixture(scope="session")
def local_cluster() -> Iterator[LocalCluster]:
    """Tests that use it are marked `cluster`."""
    with local_cluster_for_tests() as running:
        yield running


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running
