"""The settings in force, without their secrets, and where each comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from app.domain.access import Action, Principal
from app.domain.setting import SettingInForce, SettingSource
from app.services.access import require
from app.settings import Settings

HIDDEN = "***"
# What stands between `//` and `@` of a URL, and what follows its `?`: passwords and keys travel in both.
_USER_INFO = re.compile(r"(?<=//)[^/?#]*(?=@)")
_QUERY = re.compile(r"(?<=\?).+", re.S)


class SettingsService:
    """Tells of this process's own settings; a worker that was started apart may have others."""

    def __init__(self, settings: Settings) -> None:
        self._found = _in_force(settings)

    def in_force(self, principal: Principal) -> tuple[SettingInForce, ...]:
        """All, in the order of their meaning. Raises `NotAllowed`."""
        require(principal, Action.ADMINISTER)
        return self._found


def _in_force(settings: Settings) -> tuple[SettingInForce, ...]:
    prefix = Settings.model_config["env_prefix"]
    in_environment = _upper(EnvSettingsSource(Settings).env_vars)
    in_file = _upper(DotEnvSettingsSource(Settings).env_vars)
    found = []
    for field, info in Settings.model_fields.items():
        name = f"{prefix}{field}".upper()
        secret = "SecretStr" in str(info.annotation)
        if field not in settings.model_fields_set:
            source = SettingSource.DEFAULT
        elif name in in_environment:
            source = SettingSource.ENVIRONMENT
        else:
            source = SettingSource.FILE if name in in_file else SettingSource.START
        value = _shown(getattr(settings, field))
        found.append(SettingInForce(name, value, _default(info), source, secret, info.description or ""))
    return tuple(found)


def _upper(names: Iterable[str]) -> set[str]:
    return {name.upper() for name in names}


def _default(info: FieldInfo) -> str | None:
    return _shown(info.get_default())


def _shown(value: Any) -> str | None:
    """As one would write it into the environment; None where nothing is set."""
    if value is None or value == ():
        return None
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    plain = to_jsonable_python(value)
    text = str(plain).lower() if isinstance(plain, bool) else str(plain)
    if "://" not in text:
        return text
    return _QUERY.sub(HIDDEN, _USER_INFO.sub(HIDDEN, text))
