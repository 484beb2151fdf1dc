"""What is remembered of projects that were found launchable, and what makes them be checked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.domain.catalogue import Storage
from app.services.checked import Basis, Checked

NOW = datetime(2026, 11, 24, tzinfo=UTC)
STORAGE = Storage(UUID(int=9), "default", "nfs", {"server": "10.0.0.1"}, True, NOW, NOW)
BASIS = Basis(1, UUID(int=1), STORAGE)
ONE, OTHER, THIRD = UUID(int=11), UUID(int=12), UUID(int=13)


@pytest.mark.parametrize(
    "changed",
    [
        replace(BASIS, revision=2),
        replace(BASIS, version_id=UUID(int=2)),
        replace(BASIS, version_id=None),
        replace(BASIS, storage=None),
        replace(BASIS, storage=replace(STORAGE, config={"server": "10.0.0.2"})),
    ],
    ids=["edited", "new code", "no code", "storage gone", "storage edited"],
)
def test_a_basis_that_differs_is_not_known(changed: Basis) -> None:
    checked = Checked()
    assert not checked.good(ONE, BASIS)
    checked.remember(ONE, BASIS)
    assert checked.good(ONE, BASIS)
    assert not checked.good(ONE, changed)
    assert not checked.good(OTHER, BASIS)


def test_only_those_launched_last_are_remembered() -> None:
    checked = Checked(most=2)
    checked.remember(ONE, BASIS)
    checked.remember(OTHER, BASIS)
    assert checked.good(ONE, BASIS)
    checked.remember(THIRD, BASIS)
    assert [checked.good(one, BASIS) for one in (ONE, OTHER, THIRD)] == [True, False, True]
