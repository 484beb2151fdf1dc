"""Filters say times and sizes as people do, and whatever users typed stays text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.domain.access import Principal, UserRole
from app.domain.training import LogVerdict, NamespaceState, Reason, State, TaskState, Trigger
from app.ui import filters, words
from app.ui.assets import asset
from app.ui.render import icon, partial, render

HOSTILE = """"><script>alert(1)</script><b hx-get="/x" onclick='x'>{{ 7*7 }}"""
VIEWER = Principal(uuid4(), HOSTILE, UserRole.MEMBER)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(milliseconds=480), "480 ms"),
        (timedelta(seconds=12.9), "12 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(hours=1, minutes=5, seconds=59), "1 h 5 min"),
        (timedelta(days=3, seconds=4), "3 d 4 s"),
        (timedelta(seconds=-5), "0 s"),
        (None, "–"),
    ],
)
def test_durations(span: timedelta | None, words: str) -> None:
    assert filters.duration(span) == words


def test_times_carry_the_moment_for_the_viewers_zone() -> None:
    moment = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    assert filters.at(moment) == (
        '<time datetime="2026-11-24T03:00:00.000+00:00" data-time="at">2026-11-24 03:00 UTC</time>'
    )
    assert filters.ago(None) == "–"


def test_times_in_sentences_too() -> None:
    shown = filters.with_times("Paused from 2026-11-24T03:00:00Z (by <b>) to 2026-13-24T03:00:00.5Z.")
    assert f"Paused from {filters.at(datetime(2026, 11, 24, 3, tzinfo=UTC))} (by &lt;b&gt;) to 2026-13-" in shown


def test_code_in_sentences() -> None:
    assert filters.with_code("with `a<b`, and `c") == "with <code>a&lt;b</code>, and `c"


def test_a_span_that_has_not_ended_counts_on() -> None:
    start = datetime.now(UTC) - timedelta(seconds=70)
    assert 'data-time="since"' in filters.since(start)
    assert filters.since(start, start + timedelta(seconds=61)) == "<span>1 min 1 s</span>"


@pytest.mark.parametrize(("count", "words"), [(1, "1 task"), (0, "0 tasks"), (12345, "12\u202f345 tasks")])
def test_plurals(count: int, words: str) -> None:
    assert filters.plural(count, "task") == words


@pytest.mark.parametrize("value", [*State, *TaskState, *NamespaceState, *LogVerdict])
def test_every_state_has_a_word_and_an_icon(value: State | TaskState | NamespaceState | LogVerdict) -> None:
    said = words.look(value)
    assert said.word
    assert said.icon
    assert said.tone in {"good", "bad", "warn", "busy", "calm"}


def test_every_reason_and_trigger_has_words() -> None:
    assert all(words.reason_words(reason) for reason in Reason)
    assert all(words.trigger_words(trigger, "ada") for trigger in Trigger)


def test_what_users_typed_is_text() -> None:
    page = render(
        "pages/algorithms.html",
        {"path": "/algorithms", "viewer": VIEWER, "may_create": True, "algorithms": [], "next_cursor": None},
    )
    assert "<script>alert" not in page
    assert "<b hx-get" not in page
    assert "{{ 7*7 }}" in page


def test_a_part_renders_alone_as_the_stream_sends_it() -> None:
    context = {
        "may_create": True,
        "problems": [HOSTILE],
        "totals": {},
        "has_trainings": False,
        "has_algorithms": False,
        "has_projects": False,
    }
    part = render("parts/home.html", context)
    assert part.strip().startswith('<div id="home-live">')
    assert "<html" not in part
    assert "<script>" not in part


def test_pieces() -> None:
    assert icon("check", HOSTILE).count("<") == 3
    assert partial("head", "<p>x</p>").startswith('<hx-partial hx-target="#head" hx-swap="outerMorph"><p>')
    assert asset("app.css").startswith("/static/app.css?v=")
    with pytest.raises(FileNotFoundError):
        asset("nothing.css")
