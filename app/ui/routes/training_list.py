"""The list of trainings: filters that its address keeps, and a first part that follows what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.curl import curl
from app.domain.record import TrainingFilter
from app.domain.training import Reason, State, Trigger
from app.ui.commands import Command
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown
from app.ui.render import render
from app.ui.words import look, reason_words, started_by

router = APIRouter()

# Rows that move while somebody reads them should not do so more often.
GATHER_SECONDS = 1.0
Name = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True)
class Asked:
    """The filters as they were typed; what cannot be one is as good as none."""

    project: Name = ""
    state: str = ""
    trigger: str = ""
    reason: str = ""
    owner: Name = ""
    algorithm: Name = ""
    version: Annotated[str, Query(max_length=10)] = ""

    @property
    def which(self) -> TrainingFilter:
        version = self.version
        return TrainingFilter(
            project=self.project.strip() or None,
            states=(State(self.state),) if self.state in set(State) else (),
            trigger=Trigger(self.trigger) if self.trigger in set(Trigger) else None,
            owner=self.owner.strip() or None,
            algorithm=self.algorithm.strip() or None,
            version=int(version) if version.isascii() and version.isdigit() and int(version) < 2**31 else None,
            reason=Reason(self.reason) if self.reason in set(Reason) else None,
        )

    @property
    def query(self) -> str:
        """What they are in an address; they mean the same to the API."""
        given = [(name, value) for name, value in asdict(self).items() if value]
        return f"?{urlencode(given)}" if given else ""


Wanted = Annotated[Asked, Depends()]


@router.get("/trainings")
async def list_trainings(page: Shown, asked: Wanted) -> Response:
    values = {
        **asdict(asked),
        **await _found(page, asked),
        "paging": "cursor" in page.request.query_params,
        "commands": [Command("", curl("GET", f"{page.base_url}/api/v1/trainings{asked.query}"))],
        "reasons": [(one.value, reason_words(one)) for one in Reason],
        "states": [(one.value, look(one).word) for one in State],
        "triggers": [(one.value, started_by(one)) for one in Trigger],
    }
    return page.show("trainings", values)


@router.get("/live/trainings", response_class=EventSourceResponse)
async def trainings_live(page: Shown, asked: Wanted) -> AsyncIterator[ServerSentEvent]:
    """The first part of the list; later parts stand still, so that nothing moves under a reader."""

    async def look_again() -> Frame:
        return Frame({"training-list": render("parts/training_list.html", await _found(page, asked))})

    async for message in frames(page, look_again, channel="trainings", gather=GATHER_SECONDS):
        yield message


async def _found(page: Page, asked: Asked) -> dict[str, Any]:
    found = await page.context.trainings.page(page.viewer, asked.which, page.paged())
    return {
        "trainings": [record.training for record in found.items],
        "next_cursor": page.cursor(found.next),
        "query": asked.query,
    }
