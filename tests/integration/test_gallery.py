"""The pictures of all pages: the installation that they show can be made, and no page is left out of the table."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from pathlib import Path

from fastapi.routing import APIRoute

from app.domain.access import UserRole
from app.ui import routes
from tests.gallery.pages import EMPTY, addresses
from tests.gallery.scene import STATS, furnished
from tests.support.served_models import model
from tests.support.visitor import visitor
from tests.support.web import PASSWORD, Web

# Parts that a page fetches, and what leads elsewhere.
NO_PAGES = re.compile(r"/live/|/(traffic|try|open|preview|series)$|^/admin$|^/search/|^/trainings/{training_id}/again$")
# Forms that look like one of those in the table, and what needs more than a row.
ALIKE = {
    "/algorithms/{name}/compare", "/algorithms/{name}/versions/new", "/admin/new/image", "/admin/images/{name}",
    "/admin/new/registry", "/admin/registries/{name}", "/admin/storages/{name}", "/backfills/{backfill_id}",
}  # fmt: skip


async def test_every_page_of_the_table_is_there_and_none_is_missing(web: Web, tmp_path: Path) -> None:
    async with web.client_of("ada", UserRole.ADMIN) as ada, visitor(web) as client:
        with model(STATS) as answering:
            scene = await furnished(web, ada, tmp_path / "disk", answering.server_port)
        assert (await client.post("/login", data={"name": "ada", "password": PASSWORD})).status_code == 303
        table = EMPTY | addresses(scene)
        for name, address in table.items():
            wanted = 404 if name == "not-there" else 303 if name == "login" else 200
            answer = await client.get(address, follow_redirects=name == "training-code")
            assert answer.status_code == wanted, f"{name}: {answer.text[:400]}"
    shown = [address.partition("?")[0] for address in table.values()]
    modules = [import_module(f"{routes.__name__}.{one.name}") for one in pkgutil.iter_modules(routes.__path__)]
    pages = [route for one in modules for route in one.router.routes if isinstance(route, APIRoute)]
    missing = [
        route.path
        for route in pages
        if "GET" in route.methods
        and not NO_PAGES.search(route.path)
        and route.path not in ALIKE
        and not any(route.path_regex.fullmatch(address) for address in shown)
    ]
    assert len(pages) > len(table)
    assert missing == []
