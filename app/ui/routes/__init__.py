"""The pages. Each file answers for one noun; handlers call services and render, nothing else."""

from __future__ import annotations

from fastapi import APIRouter

from app.ui.routes import account, algorithms, home, launch, login, logs, projects, trainings

router = APIRouter(include_in_schema=False)
for _part in (login, home, account, algorithms, projects, launch, trainings, logs):
    router.include_router(_part.router)
