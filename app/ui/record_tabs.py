"""The tabs of a training's record, in order: the same for every training. A new tab is one line here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tab:
    """`key` is what its address has behind the training's own."""

    key: str
    word: str
    icon: str


TABS = (
    Tab("", "Overview", "list-details"),
    Tab("/logs", "Logs", "file-text"),
    Tab("/metrics", "Metrics", "chart-line"),
    Tab("/events", "Events", "bell"),
    Tab("/files", "Files", "folder"),
    Tab("/manifests", "Manifests", "braces"),
    Tab("/code", "Code", "code"),
)
