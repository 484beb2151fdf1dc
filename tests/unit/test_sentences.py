"""Validation errors in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api.schemas.base import NO_NUL, VISIBLE_ASCII, Duration, Name
from app.api.sentences import sentence
from app.domain.access import UserRole
from app.domain.names import NAME_RULE

NO_CALENDAR = "must be in days, hours, minutes and seconds, such as P30D: months and years differ in length"


class Inner(BaseModel):
    count: Annotated[int, Field(ge=1, le=9)] = 1


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: Annotated[str, Field(pattern=VISIBLE_ASCII)] = "k"
    tag: Annotated[str, Field(pattern=NO_NUL)] = "t"
    name: Annotated[str, Field(min_length=2, max_length=4, pattern="^[a-z]+$")] = "ab"
    called: Name = "ada"
    role: UserRole = UserRole.MEMBER
    inner: Inner = Inner()
    lasting: timedelta | None = None
    every: Duration = timedelta(1)
    id: UUID | None = None
    flag: bool = False
    many: Annotated[int, Field(le=2**31 - 1)] = 1
    share: Annotated[float, Field(gt=0.5, le=60)] = 1
    kinds: Annotated[list[str], Field(min_length=1, max_length=1000)] = ["a"]
    password: Annotated[str, Field(min_length=20)] = "x" * 20


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"name": "a"}, "name must have at least 2 characters, not 'a'."),
        ({"name": "abcde"}, "name must have at most 4 characters, not 'abcde'."),
        ({"name": "AB"}, "name must match ^[a-z]+$, not 'AB'."),
        ({"key": "a key"}, "key must be of ASCII characters that can be seen, without spaces, not 'a key'."),
        ({"tag": "a\0"}, "tag must not contain a NUL character, not 'a\\x00'."),
        ({"called": "Ada L"}, f"called 'Ada L' is not possible; {NAME_RULE}."),
        ({"name": 3}, "name must be a string, not 3."),
        ({"role": "king"}, "role must be one of 'admin', 'member' or 'viewer', not 'king'."),
        ({"inner": {"count": 0}}, "inner.count must be at least 1, not 0."),
        ({"inner": {"count": "many"}}, "inner.count must be a whole number, not 'many'."),
        ({"inner": 3}, "inner must be an object, not 3."),
        ({"id": "x"}, "id must be a UUID, not 'x'."),
        ({"flag": "perhaps"}, "flag must be true or false, not 'perhaps'."),
        ({"lasting": "soon"}, "lasting must be an ISO 8601 duration such as PT30M, not 'soon'."),
        ({"every": "P1M"}, f"every {NO_CALENDAR}, not 'P1M'."),
        ({"every": "p1y2m"}, f"every {NO_CALENDAR}, not 'p1y2m'."),
        ({"every": "P0D"}, "every must be longer than nothing, such as PT30M, not 'P0D'."),
        ({"password": "hunter2"}, "password must have at least 20 characters."),
        ({"kinds": []}, "kinds must have at least 1 item."),
        ({"kinds": ["a"] * 1001}, "kinds must have at most 1,000 items."),
        ({"many": 2**31}, "many must be at most 2,147,483,647, not 2147483648."),
        ({"share": 0.1}, "share must be more than 0.5, not 0.1."),
        ({"share": 99}, "share must be at most 60, not 99."),
        ({"nmae": 1}, "nmae is not a field of this; check its spelling."),
    ],
)
def test_the_field_what_was_wrong_and_what_would_be_right(data: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Sample.model_validate(data)
    (error,) = raised.value.errors()
    assert sentence({**error, "loc": ("body", *error["loc"])}) == expected
