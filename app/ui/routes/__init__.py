"""The pages. Each file answers for one noun; handlers call services and render, nothing else."""

from __future__ import annotations

from fastapi import APIRouter

from app.ui.routes import (
    account,
    admin_home,
    admin_images,
    admin_installation,
    admin_registries,
    admin_storages,
    admin_users,
    algorithms,
    backfills,
    calendar,
    cluster,
    compare,
    history,
    home,
    hooks,
    launch,
    log_search,
    login,
    logs,
    metrics,
    notices,
    project_forms,
    projects,
    schedules,
    search,
    servings,
    tensorboards,
    training_files,
    training_list,
    trainings,
)

_ADMIN = (admin_home, admin_users, admin_images, admin_registries, admin_storages, admin_installation)

router = APIRouter(include_in_schema=False)
for _part in (
    login,
    home,
    account,
    algorithms,
    compare,
    backfills,
    calendar,
    project_forms,
    projects,
    history,
    schedules,
    hooks,
    launch,
    training_list,
    trainings,
    logs,
    log_search,
    tensorboards,
    training_files,
    servings,
    metrics,
    notices,
    cluster,
    search,
    *_ADMIN,
):
    router.include_router(_part.router)
