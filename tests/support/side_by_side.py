"""Tests of trainings that wait most of their time: all of a module begin together, and each is judged by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.lab import Lab

Scenario = Callable[[Lab], Awaitable[None]]


def side_by_side(scenario: Scenario) -> Callable[..., Awaitable[None]]:
    """Makes a test of `scenario`, which is started with the first test of its module that runs.

    Only what was selected on the command line is started.
    """

    async def test(lab: Lab, request: pytest.FixtureRequest) -> None:
        for item in request.session.items:
            chosen = getattr(getattr(item, "function", None), "scenario", None)
            if chosen is not None and item.module is request.module and item.name not in lab.scenarios:  # type: ignore[attr-defined]
                lab.scenarios[item.name] = asyncio.create_task(_begun(chosen, lab), name=item.name)
        await lab.scenarios[request.node.name]

    test.__name__ = test.__qualname__ = scenario.__name__
    test.__module__, test.__doc__ = scenario.__module__, scenario.__doc__
    test.scenario = scenario  # type: ignore[attr-defined]
    return test


async def _begun(scenario: Scenario, lab: Lab) -> Any:
    return await scenario(lab)
