"""The life of a training as steps on a page: what is behind it, what it is in, what is to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.training import NamespaceState, State, Training
from app.ui.words import look


@dataclass(frozen=True, slots=True)
class Phase:
    """`status` is done, now, todo or skipped; `until` None while it lasts.

    Instead of how long it took, `words` say how it is; `at` and `until` stand before the moment `since`.
    """

    word: str
    status: str
    tone: str = "good"
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""


def phases(training: Training) -> list[Phase]:
    """Queued, starting, running, the end, and the namespace's end."""
    ended = training.state.ended
    end = training.stopping_at or training.finished_at
    return [
        _span("Queued", training.created_at, training.starting_at or end, now=training.state is State.QUEUED),
        _span(
            "Starting",
            training.starting_at,
            training.started_at or end,
            now=training.state is State.STARTING,
            ended=ended,
        ),
        _span("Running", training.started_at, end, now=training.state is State.RUNNING, ended=ended),
        _end(training),
        _cleaning(training),
    ]


def _span(word: str, since: datetime | None, until: datetime | None, *, now: bool, ended: bool = False) -> Phase:
    if since is None:
        return Phase(word, "skipped" if ended else "todo", words="not reached" if ended else "")
    return Phase(word, "now" if now else "done", since=since, until=None if now else until)


def _end(training: Training) -> Phase:
    said = look(training.state)
    if training.state.ended:
        return Phase(said.word, "done", tone=said.tone, words="at", since=training.finished_at)
    if training.state is State.STOPPING:
        return Phase("Stopping", "now", since=training.stopping_at)
    return Phase("Ended", "todo")


def _cleaning(training: Training) -> Phase:
    if training.namespace_state is NamespaceState.GONE:
        return Phase("Namespace gone", "done")
    if training.namespace_state is NamespaceState.DELETING:
        return Phase("Namespace", "now", words="being deleted")
    if training.namespace_state is NamespaceState.NONE:
        return Phase(
            "Namespace",
            "skipped" if training.state.ended else "todo",
            words="never made" if training.state.ended else "",
        )
    if training.finished_at is None:
        return Phase("Namespace", "todo", words="present")
    return Phase("Namespace", "todo", words="until", since=training.finished_at + training.spec.run.keep_namespace)
