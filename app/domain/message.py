"""What a notice says to a program and to a person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from app.domain.notice import Notice, NoticeKind
from app.domain.topology import rfc3339

# For people only: receivers of webhooks ask for the rest, as somebody who may see it.
_PRIVATE = ("message",)


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail without its addresses."""

    subject: str
    text: str
    html: str


def payload(notice: Notice, address: str) -> bytes:
    """The body of a webhook's message, the same bytes in every try. `address` is how links to TaaS begin."""
    told = {name: value for name, value in notice.data.items() if name not in _PRIVATE}
    ids = {
        "project_id": str(notice.project_id) if notice.project_id else None,
        "training_id": str(notice.training_id) if notice.training_id else None,
        "url": page(notice, address),
    }
    body = {"type": notice.kind.type, "timestamp": rfc3339(notice.at), "data": told | ids}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def page(notice: Notice, address: str) -> str:
    """Where a person reads more."""
    if notice.training_id is not None:
        return f"{address}/trainings/{notice.training_id}"
    return f"{address}/projects/{notice.data['project']}" if "project" in notice.data else address


def letter(notice: Notice, address: str) -> Letter:
    """For a person: what happened, why, and where to look."""
    headline = _headline(notice)
    sentences = [part for part in (headline, str(notice.data.get("message") or ""), _due(notice)) if part]
    link, settings = page(notice, address), f"{address}/notices"
    why = "You get this because you asked TaaS for it. Change or end it under"
    text = "\n\n".join([*sentences, link, f"-- \n{why} {settings}"]) + "\n"
    paragraphs = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    html = (
        f'<html><body>{paragraphs}<p><a href="{escape(link)}">{escape(link)}</a></p>'
        f'<p><small>{why} <a href="{escape(settings)}">Notices</a>.</small></p></body></html>\n'
    )
    return Letter(headline.rstrip("."), text, html)


def _headline(notice: Notice) -> str:
    project = str(notice.data.get("project", ""))
    number = notice.data.get("number")
    training = f"{project} #{number}" if number else project
    if notice.kind is NoticeKind.MISSED and (times := notice.data.get("times")):
        return f"{times} due times of {project} made no training."
    return _HEADLINES[notice.kind].format(training=training, project=project)


def _due(notice: Notice) -> str:
    """The dates that it is about, in words: whenever it ran, that is what has to be looked at."""
    first, last = notice.data.get("scheduled_for"), notice.data.get("last_scheduled_for")
    if not first:
        return ""
    if last:
        return f"The due times: from {_written(str(first))} to {_written(str(last))}."
    return f"Its due time: {_written(str(first))}."


def _written(told: str) -> str:
    due = datetime.fromisoformat(told).astimezone(UTC)
    return f"{due:%A} {due.day} {due:%B %Y, %H:%M}{f':{due:%S}' if due.second else ''} UTC"


_HEADLINES = {
    NoticeKind.STARTED: "{training} runs.",
    NoticeKind.SUCCEEDED: "{training} succeeded.",
    NoticeKind.FAILED: "{training} failed.",
    NoticeKind.STOPPED: "{training} was stopped.",
    NoticeKind.TIMED_OUT: "{training} took longer than it may.",
    NoticeKind.LATE: "{training} is late.",
    NoticeKind.OVERDUE: "{training} did not succeed in time.",
    NoticeKind.MISSED: "A due time of {project} made no training.",
    NoticeKind.SLOW: "{training} runs longer than usual.",
    NoticeKind.SCHEDULE_PAUSED: "The schedule of {project} was paused.",
    NoticeKind.TEST: "A test of TaaS' notices.",
}
