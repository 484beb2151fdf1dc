"""Every page that a person can open, by the name that its pictures get."""

from __future__ import annotations

from tests.gallery.scene import Scene

EMPTY = {"login": "/login", "first-run": "/"}
"""Before anything is there: the door (nobody is logged in yet), and home."""


def addresses(scene: Scene) -> dict[str, str]:
    """Name → address, over the installation in use."""
    runs, ended, failed = (f"/trainings/{one}" for one in (scene.runs, scene.ended, scene.failed))
    return {
        "home": "/",
        "home-everybody": "/?all=true",
        "search": "/search?q=dig",
        "trainings": "/trainings",
        "algorithms": "/algorithms",
        "algorithm": "/algorithms/digits-ps",
        "algorithm-version": "/algorithms/digits-ps/versions/2",
        "algorithm-diff": "/algorithms/digits-ps/compare/1...2",
        "algorithm-new": "/new/algorithm",
        "projects": "/projects",
        "project": "/projects/digits",
        "project-timed": "/projects/digits-nightly",
        "project-new": "/new/project",
        "project-form": "/projects/digits-nightly/edit",
        "launch": "/projects/digits/launch",
        "launch-waits": "/projects/vision/launch",
        "compare": "/projects/digits/compare",
        "history": "/projects/digits/history",
        "due-times": "/projects/digits-nightly/due-times",
        "backfills": "/projects/digits-nightly/backfills",
        "triggers": "/projects/digits/triggers",
        "hook": f"/projects/digits/hooks/{scene.hook}",
        "training-running": runs,
        "training-ended": ended,
        "training-failed": failed,
        "training-logs": f"{runs}/logs",
        "training-log-search": f"{ended}/logs/search?pattern=epoch.*0/40&context=2",
        "training-metrics": f"{runs}/metrics",
        "training-events": f"{failed}/events",
        "training-files": f"{ended}/files?file=models/config.json",
        "training-manifests": f"{ended}/manifests",
        "training-code": f"{ended}/code",
        "calendar": "/calendar",
        "calendar-day": "/calendar?view=day",
        "tensorboards": "/tensorboards",
        "tensorboard": f"/tensorboards/{scene.board}",
        "tensorboard-choose": "/projects/digits/tensorboard",
        "servings": "/servings",
        "serving": f"/servings/{scene.serving}",
        "serving-new": "/new/serving?project=digits",
        "cluster": "/cluster",
        "cluster-queue": "/cluster/queue",
        "cluster-namespaces": "/cluster/namespaces",
        "cluster-orphans": "/cluster/orphans",
        "images": "/admin/images",
        "registries": "/admin/registries",
        "storages": "/admin/storages",
        "storage-new": "/admin/new/storage?kind=nfs",
        "settings": "/admin/settings",
        "users": "/admin/users",
        "user": "/admin/users/grace",
        "audit": "/admin/audit",
        "notices": "/notices",
        "webhook": f"/notices/webhooks/{scene.webhook}",
        "account": "/account",
        "not-there": "/nothing",
    }
