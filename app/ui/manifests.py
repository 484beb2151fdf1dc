"""Kubernetes objects as pages show them: YAML with colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from markupsafe import Markup

from app.ui.highlight import code

# A topology or a script in a ConfigMap can be long; the whole object is in the API's answer.
LINES_SHOWN = 400


@dataclass(frozen=True, slots=True)
class Document:
    """One object. `shortened`: not all of it is shown."""

    kind: str
    name: str
    html: Markup
    shortened: bool


def documents_of(objects: Iterable[Mapping[str, Any]]) -> list[Document]:
    """The objects in the order given."""
    return [_document(one) for one in objects]


class _Dumper(yaml.SafeDumper):
    """Scripts as blocks of lines, as people write them."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _document(manifest: Mapping[str, Any]) -> Document:
    text = yaml.dump(dict(manifest), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    lines = text.splitlines(keepends=True)
    shown = "".join(lines[:LINES_SHOWN])
    name = manifest["metadata"].get("name", "")
    return Document(manifest["kind"], name, code(shown, language="yaml"), shortened=len(lines) > LINES_SHOWN)
