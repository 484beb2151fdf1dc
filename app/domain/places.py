"""The places that sealed secrets belong to: what is sealed for one cannot be opened as another."""

from __future__ import annotations

from uuid import UUID


def registry_place(registry_id: UUID) -> str:
    """A registry's password."""
    return f"registry/{registry_id}"


def project_secret_place(project_id: UUID, name: str) -> str:
    """The value of a project's secret environment variable."""
    return f"project/{project_id}/{name}"


def webhook_secret_place(subscription_id: UUID) -> str:
    """What signs a webhook's messages, the old one too while it is being replaced."""
    return f"webhook/{subscription_id}"


def hook_place(hook_id: UUID) -> str:
    """What a hook's deliveries are signed with."""
    return f"hook/{hook_id}"
