"""Warning events of TaaS's namespaces: a bounded number of each, because a crash loop can make thousands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from app.domain.seen import SeenWarning
from app.k8s import objects, translate

PREFIX = "taas-"
MOST = 200


class Warnings:
    """`changed` is called with the name of each namespace that has something new."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._of: dict[str, dict[str, SeenWarning]] = {}
        self._tell = [changed]

    def also_tell(self, changed: Callable[[str], None]) -> None:
        """Call another one too."""
        self._tell.append(changed)

    def of(self, namespace: str) -> tuple[SeenWarning, ...]:
        return tuple(self._of.get(namespace, {}).values())

    def replaced(self, items: list[objects.Event], _version: int) -> None:
        """Events run out after an hour in the cluster, not here: a list only adds."""
        for item in items:
            self.changed(item, False)

    def changed(self, item: objects.Event, deleted: bool) -> None:
        namespace = item.involved_object.namespace or item.metadata.namespace
        if deleted or not namespace.startswith(PREFIX):
            return
        found = self._of.setdefault(namespace, {})
        warning = translate.warning(item)
        if found.get(warning.uid) == warning:
            return
        found.pop(warning.uid, None)
        found[warning.uid] = warning
        if len(found) > MOST:
            del found[next(iter(found))]
        for tell in self._tell:
            tell(namespace)

    def forget(self, namespaces: set[str], before: datetime) -> None:
        """Drop those of namespaces that are not among `namespaces` and have been silent since `before`."""
        for name in set(self._of) - namespaces:
            if all(warning.last_at < before for warning in self._of[name].values()):
                del self._of[name]
