"""What the pages of the administration share: their tabs, who may see which, and forms that are shown again."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from app.domain.access import Action, can
from app.errors import Conflict, InvalidInput, NotAllowed, TaasError
from app.ui.page import Page, field_errors

TABS = {
    "users": "Users",
    "images": "Images",
    "registries": "Registries",
    "storages": "Storages",
    "settings": "Settings",
    "audit": "Audit log",
}
# What everybody chooses from when they make a project.
OPEN_TABS = ("images", "storages")


def admins_only(page: Page) -> None:
    """Raises `NotAllowed` with where to turn to."""
    if not can(page.viewer, Action.ADMINISTER):
        raise NotAllowed("Only admins see this page. Images and storages are open to everybody under Catalogue.")


def show_admin(page: Page, tab: str, name: str, values: dict[str, Any], exc: TaasError | None = None) -> Response:
    """The page `name` of the tab; `exc`: as the answer to what was refused, beside the fields where it names some."""
    errors = _errors(exc)
    may_administer = can(page.viewer, Action.ADMINISTER)
    shown = {
        "tab": tab,
        "tabs": [(key, word) for key, word in TABS.items() if may_administer or key in OPEN_TABS],
        "tab_word": TABS[tab],
        "may_administer": may_administer,
        "errors": errors,
        "problem": exc.detail if exc and not errors else "",
        **values,
    }
    return page.show(name, shown, exc.status if exc else 200)


def taken(exc: InvalidInput | Conflict) -> TaasError:
    """A conflict of a form that makes something is about its name."""
    return _NameTaken(exc.detail) if isinstance(exc, Conflict) else exc


class _NameTaken(Conflict):
    """Shown beside the name."""


def _errors(exc: TaasError | None) -> dict[str, str]:
    if isinstance(exc, _NameTaken):
        return {"/name": exc.detail}
    return field_errors(exc) if exc else {}
