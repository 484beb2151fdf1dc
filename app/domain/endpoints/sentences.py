"""The sentences that an endpoint's page shows: what happened, and what to do about it."""

from __future__ import annotations

from datetime import timedelta

from app.domain.sentences import duration


def stopped(by: str | None) -> str:
    return f"It was stopped by {by}." if by else "It was stopped."


def project_deleted(project: str) -> str:
    return f"It was stopped because the project {project} was deleted."


def idle(after: timedelta) -> str:
    return f"Nobody had used it for {duration(after)}, so it was stopped. Start it again whenever you like."


def not_ready(limit: timedelta, why: str) -> str:
    return f"It was not ready within {duration(limit)}: {why}."


def image_pull_failed(why: str) -> str:
    return (
        f"Its image cannot be pulled: {why}. "
        "Check the image's name, and whether its registry needs credentials (an admin adds them under Registries)."
    )


def refused(what: str, words: str) -> str:
    return (
        f"The cluster refuses {what}: {words}. "
        "Ask whoever runs the cluster whether a policy forbids it, and whether TaaS has the rights it needs."
    )


def namespace_lost(namespace: str) -> str:
    return f"Its namespace {namespace} was deleted by somebody else. Start it again."


def version_rolls(number: int, ready: int, wanted: int) -> str:
    return f"Version {number} is being brought up: {ready} of {wanted} replicas are ready."


def version_stuck(number: int, why: str) -> str:
    return (
        f"Version {number} does not become ready: {why}. What served before goes on serving. "
        "Roll back, or make another version live."
    )


def balancers_change() -> str:
    return "The balancers take over the change, one after the other."


def waiting(why: str) -> str:
    return f"Waiting: {why}."


def not_answering(why: str) -> str:
    return f"It does not answer just now: {why}."


def no_cluster() -> str:
    return "TaaS has no connection to its cluster just now; it goes on when there is one."


def cluster_trouble(words: str) -> str:
    return f"The cluster does not do what TaaS asks ({words}). TaaS goes on trying."


def being_removed() -> str:
    return "Its pods and its namespace are being removed."
