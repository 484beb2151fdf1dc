"""Bodies of /settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.base import Output
from app.domain.setting import SettingSource


class SettingOut(Output):
    name: Annotated[str, Field(description="The environment variable.", examples=["TAAS_RUNNING_LIMIT"])]
    value: Annotated[str | None, Field(description="null: not set. Secrets are stars.")]
    default: str | None
    source: Annotated[
        SettingSource, Field(description="`file`: the .env file; `start`: whatever started the process gave it.")
    ]
    secret: bool
    description: str


class SettingsOut(Output):
    items: list[SettingOut]
