"""Validation errors in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api.sentences import sentence
from app.domain.access import UserRole


class Inner(BaseModel):
    count: Annotated[int, Field(ge=1, le=9)] = 1


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=2, max_length=4, pattern="^[a-z]+$")] = "ab"
    role: UserRole = UserRole.MEMBER
    inner: Inner = Inner()
    lasting: timedelta | None = None
    id: UUID | None = None
    flag: bool = False
    password: Annotated[str, Field(min_length=20)] = "x" * 20


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"name": "a"}, "name must have at least 2 character(s), not 'a'."),
        ({"name": "abcde"}, "name must have at most 4 characters, not 'abcde'."),
        ({"name": "AB"}, "name must match ^[a-z]+$, not 'AB'."),
        ({"name": 3}, "name must be a string, not 3."),
        ({"role": "king"}, "role must be one of 'admin', 'member' or 'viewer', not 'king'."),
        ({"inner": {"count": 0}}, "inner.count must be at least 1, not 0."),
        ({"inner": {"count": "many"}}, "inner.count must be a whole number, not 'many'."),
        ({"inner": 3}, "inner must be an object, not 3."),
        ({"id": "x"}, "id must be a UUID, not 'x'."),
        ({"flag": "perhaps"}, "flag must be true or false, not 'perhaps'."),
        ({"lasting": "soon"}, "lasting must be an ISO 8601 duration such as PT30M, not 'soon'."),
        ({"password": "hunter2"}, "password must have at least 20 character(s)."),
        ({"nmae": 1}, "nmae is not a field of this; check its spelling."),
    ],
)
def test_the_field_what_was_wrong_and_what_would_be_right(data: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Sample.model_validate(data)
    (error,) = raised.value.errors()
    assert sentence({**error, "loc": ("body", *error["loc"])}) == expected
