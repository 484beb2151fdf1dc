"""Search: the page, and the part of it that the box on every page shows while somebody types."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from app.ui.page import Shown
from app.ui.render import render

router = APIRouter()


@router.get("/search")
async def search_page(page: Shown, q: Annotated[str, Query(max_length=1000)] = "") -> Response:
    values = {"q": q, "hits": await page.context.search.find(page.viewer, q)}
    if page.request.headers.get("hx-request"):
        return HTMLResponse(render("parts/search_hits.html", values))
    return page.show("search", values)
