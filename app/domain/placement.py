"""Where a role's tasks may run: the rules of Kubernetes for node labels and tolerations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.domain.project import Role, Toleration

Problem = tuple[tuple[str, ...], str]
"""The path below the field, and a sentence."""

PLACES_MAX = 50

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_DOMAIN = r"(?=.{1,253}/)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"
_KEY = re.compile(rf"(?:{_DOMAIN}/)?{_NAME}")
_VALUE = re.compile(rf"(?:{_NAME})?")
_OPERATORS = ("Equal", "Exists")
_EFFECTS = ("", "NoSchedule", "PreferNoSchedule", "NoExecute")


def check_node_selector(role: Role) -> Iterator[Problem]:
    """What is wrong with the labels a node must have."""
    if len(role.node_selector) > PLACES_MAX:
        yield (), f"There are more than {PLACES_MAX} labels; leave some out."
        return
    for key, value in role.node_selector.items():
        if not _KEY.fullmatch(key):
            yield (key,), "This is not a label's key; write it like disk or example.com/disk."
        elif not _VALUE.fullmatch(value):
            yield (key,), "This is not a label's value; use at most 63 letters, digits, '-', '_' and '.'."


def check_tolerations(role: Role) -> Iterator[Problem]:
    """What is wrong with the taints that are put up with."""
    if len(role.tolerations) > PLACES_MAX:
        yield (), f"There are more than {PLACES_MAX} tolerations; leave some out."
        return
    for index, toleration in enumerate(role.tolerations):
        yield from (((str(index), field), text) for field, text in _toleration(toleration))


def _toleration(toleration: Toleration) -> Iterator[tuple[str, str]]:
    if toleration.operator not in _OPERATORS:
        yield "operator", f"Use one of {', '.join(_OPERATORS)}."
    if toleration.effect not in _EFFECTS:
        yield "effect", f"Use one of {', '.join(_EFFECTS[1:])}, or leave it out for all."
    if toleration.key and not _KEY.fullmatch(toleration.key):
        yield "key", "This is not a taint's key; write it like spot or example.com/spot."
    if not toleration.key and toleration.operator != "Exists":
        yield "key", "Give the taint's key; only with the operator Exists may it be left out, which means every taint."
    if toleration.value and toleration.operator == "Exists":
        yield "value", "With the operator Exists a value has no meaning; leave it out, or use Equal."
    elif not _VALUE.fullmatch(toleration.value):
        yield "value", "This is not a taint's value; use at most 63 letters, digits, '-', '_' and '.'."
