"""Files that a training left."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.deps import Listing
from app.api.schemas.base import Moment, Output
from app.domain.training_files import EntryKind


class FileOut(Output):
    """`other` is a link, a pipe or a device: it is named but cannot be opened."""

    name: str
    path: Annotated[str | None, Field(description="Null when its name is not text: it cannot be asked for.")]
    kind: EntryKind
    size: Annotated[int | None, Field(description="In bytes; of files only.")]
    modified: Moment


class FilesOut(Listing[FileOut]):
    truncated: Annotated[bool, Field(description="The folder has more entries than TaaS looks at (20,000).")]


class ArrayOut(Output):
    name: str
    dtype: Annotated[str, Field(examples=["<f4"])]
    shape: tuple[int, ...]


class PreviewOut(Output):
    """The beginning of a file: its text, or the arrays in it."""

    size: int
    text: Annotated[str | None, Field(description="Null when it is not text.")]
    cut: Annotated[bool, Field(description="There is more text than this.")]
    arrays: tuple[ArrayOut, ...]
    total: Annotated[int, Field(description="How many arrays there are; the first 200 are named.")]
    problem: Annotated[str, Field(description="Why it could not be read as what its name says; empty when it could.")]
