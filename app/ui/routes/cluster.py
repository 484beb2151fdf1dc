"""The cluster: what nodes give and who holds it, who waits, which namespaces there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.cluster import shares
from app.domain.paging import PageRequest
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown
from app.ui.render import render

router = APIRouter()

FIRST = 10
# A worker writes what it sees every half minute.
FRESH = timedelta(minutes=2)
GATHER_SECONDS = 1.0


@router.get("/cluster")
async def cluster_page(page: Shown) -> Response:
    return page.show("cluster", await _nodes(page, page.paged()))


@router.get("/cluster/queue")
async def queue_page(page: Shown) -> Response:
    return page.show("cluster_queue", await _queue(page, page.paged()))


@router.get("/cluster/namespaces")
async def namespaces_page(page: Shown, stuck: bool = False) -> Response:
    return page.show("cluster_namespaces", await _namespaces(page, page.paged(), stuck=stuck))


@router.get("/cluster/orphans")
async def orphans_page(page: Shown) -> Response:
    return page.show("cluster_orphans", await _orphans(page, page.paged()))


@router.get("/live/cluster", response_class=EventSourceResponse)
async def cluster_live(page: Shown, tab: str = "", stuck: bool = False) -> AsyncIterator[ServerSentEvent]:
    """The first part of a tab; later parts stand still, so that nothing moves under a reader."""

    async def look() -> Frame:
        if tab == "queue":
            return Frame({"cluster-queue": render("parts/cluster_queue.html", await _queue(page, PageRequest()))})
        if tab == "orphans":
            return Frame({"cluster-orphans": render("parts/cluster_orphans.html", await _orphans(page, PageRequest()))})
        if tab == "namespaces":
            values = await _namespaces(page, PageRequest(), stuck=stuck)
            return Frame({"cluster-namespaces": render("parts/cluster_namespaces.html", values)})
        return Frame({"cluster-nodes": render("parts/cluster_nodes.html", await _nodes(page, PageRequest()))})

    async for message in frames(page, look, channel="trainings", gather=GATHER_SECONDS):
        yield message


async def _nodes(page: Page, request: PageRequest) -> dict[str, Any]:
    view = await page.context.cluster.view(page.viewer)
    found = await page.context.cluster.nodes(page.viewer, request)
    waiting = await page.context.cluster.queue(page.viewer, PageRequest(FIRST))
    stuck = await page.context.cluster.namespaces(page.viewer, PageRequest(FIRST), stuck=True)
    measuring = await page.context.usage.measuring(page.viewer)
    seen = view.observed_at
    return {
        "view": view,
        "totals": view.totals,
        "nodes": [(node, shares(node)) for node in found.items],
        "waiting": waiting.items,
        "spaces": stuck.items,
        "stale": seen is not None and page.context.clock() - seen > FRESH,
        "problems": await page.context.health.problems(),
        "unmeasured": measuring.problem,
        "tab": "",
        "paging": request.after is not None,
        "next_cursor": page.cursor(found.next),
    }


async def _queue(page: Page, request: PageRequest) -> dict[str, Any]:
    found = await page.context.cluster.queue(page.viewer, request)
    return {
        "waiting": found.items,
        "tab": "queue",
        "paging": request.after is not None,
        "next_cursor": page.cursor(found.next),
    }


async def _namespaces(page: Page, request: PageRequest, *, stuck: bool) -> dict[str, Any]:
    found = await page.context.cluster.namespaces(page.viewer, request, stuck=stuck)
    return {
        "spaces": found.items,
        "stuck": stuck,
        "tab": "namespaces",
        "paging": request.after is not None,
        "next_cursor": page.cursor(found.next),
    }


async def _orphans(page: Page, request: PageRequest) -> dict[str, Any]:
    found = await page.context.cluster.orphans(page.viewer, request)
    return {
        "orphans": found.items,
        "tab": "orphans",
        "paging": request.after is not None,
        "next_cursor": page.cursor(found.next),
    }
