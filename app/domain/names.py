"""Every name that is made from text a person wrote, and the rules for the names they may give."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

NAMESPACE_MAX = 63
SLUG_MAX = 40

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
NAME_RULE = "use 1 to 63 lower case letters, digits, '.', '_' and '-', beginning and ending with a letter or digit"

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_ENV_PREFIXES = ("TAAS_", "PET_")
_ENV_RESERVED = frozenset(
    {
        "TF_CONFIG", "MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "JOB_COMPLETION_INDEX", "PYTHONUNBUFFERED",
        "BASH_ENV", "BASHOPTS", "SHELLOPTS", "ENV", "IFS", "HOSTNAME", "PWD", "OLDPWD", "SHLVL",
        "BASH_VERSINFO", "EUID", "PPID", "UID",
    }
)  # fmt: skip

_HOST = (
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:.]+\])"
)
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?P<host>{_HOST}(?::[0-9]{{1,5}})?)/)?{_PART}(?:/{_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,})?"
)
_IMAGE_MAX = 512
DEFAULT_REGISTRY = "docker.io"


def slug(text: str, limit: int = SLUG_MAX) -> str:
    """`text` as a DNS label of at most `limit` characters: lower case, digits and single dashes.

    Text that loses something on the way ends in a dash and six characters of its hash, so that two different texts
    do not share a slug.
    """
    plain = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9]+", "-", text.lower())).strip("-")
    if plain and plain == text and len(plain) <= limit:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    head = plain[: limit - len(digest) - 1].strip("-")
    return f"{head}-{digest}" if head else f"x-{digest}"


def namespace(project: str, number: int, training_id: UUID) -> str:
    """`taas-<project>-<number>-<5 characters of the id>`, at most 63 characters and never used twice."""
    tail = f"-{number}-{short_id(training_id)}"
    return f"taas-{slug(project, min(SLUG_MAX, NAMESPACE_MAX - len('taas-') - len(tail)))}{tail}"


def project_folder(project: str, project_id: UUID) -> str:
    """The name of a project's folder on a storage; a later project of the same name gets another one."""
    return f"{slug(project)}-{short_id(project_id)}"


def short_id(value: UUID) -> str:
    """Five characters (of 32) of a UUIDv7's random end."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    bits = value.int
    return "".join(alphabet[(bits >> (5 * place)) & 31] for place in range(5))


def is_env_name(text: str) -> bool:
    """Whether `text` may name an environment variable."""
    return _ENV_NAME.fullmatch(text) is not None


def is_reserved_env_name(text: str) -> bool:
    """Whether TaaS (or bash itself) sets that variable."""
    return text in _ENV_RESERVED or text.startswith(_ENV_PREFIXES)


def is_image(reference: str) -> bool:
    """Whether `reference` is an image reference such as `registry.example.com:5000/team/tf:2.21`."""
    return len(reference) <= _IMAGE_MAX and _IMAGE.fullmatch(reference) is not None


def registry_host(reference: str) -> str:
    """The registry that an image reference leads to; `docker.io` when it names none."""
    first, slash, _ = reference.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return first if named else DEFAULT_REGISTRY
