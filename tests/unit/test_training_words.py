"""The words of a training's life fit together."""

from uuid import uuid4

import pytest

from app.domain.access import Action, Principal, UserRole, can
from app.domain.training import Reason, State, TaskKey


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_leads_to_an_end(reason: Reason) -> None:
    assert reason.state.ended


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Reason.COMPLETED, State.SUCCEEDED),
        (Reason.TASK_FAILED, State.FAILED),
        (Reason.STOPPED_BY_USER, State.STOPPED),
        (Reason.REPLACED, State.STOPPED),
        (Reason.MAX_DURATION, State.TIMED_OUT),
        (Reason.UNSCHEDULABLE, State.TIMED_OUT),
    ],
)
def test_reasons_map_to_states(reason: Reason, state: State) -> None:
    assert reason.state is state


@pytest.mark.parametrize("text", ["worker-0", "ps-12", "my-role-3"])
def test_a_task_key_survives_its_text(text: str) -> None:
    assert str(TaskKey.parse(text)) == text


@pytest.mark.parametrize("text", ["", "worker", "-1", "worker-", "worker-x", "worker-٣", "worker-1234567"])
def test_what_is_not_a_task_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a task"):
        TaskKey.parse(text)


def test_who_may_do_what() -> None:
    me, other = uuid4(), uuid4()
    table = {
        # role: (view, create, change mine, change another's, administer)
        UserRole.VIEWER: (True, False, False, False, False),
        UserRole.MEMBER: (True, True, True, False, False),
        UserRole.ADMIN: (True, True, True, True, True),
    }
    for role, expected in table.items():
        person = Principal(user_id=me, name="me", role=role)
        got = (
            can(person, Action.VIEW, owner_id=other),
            can(person, Action.CREATE),
            can(person, Action.CHANGE, owner_id=me),
            can(person, Action.CHANGE, owner_id=other),
            can(person, Action.ADMINISTER),
        )
        assert got == expected, role
