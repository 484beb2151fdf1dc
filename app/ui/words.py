"""How states, reasons and triggers are said on pages: a word, an icon and a tone, so that colour never stands alone."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.endpoints.endpoint import EndpointState
from app.domain.finding import Rule
from app.domain.project import Framework
from app.domain.timed import DueOutcome, Run
from app.domain.training import LogVerdict, NamespaceState, Reason, State, TaskState, Trigger


@dataclass(frozen=True, slots=True)
class Look:
    """`tone` names a CSS class (`tone-good`, …); `live` marks what is still moving."""

    word: str
    icon: str
    tone: str
    live: bool = False


def look(value: State | TaskState | NamespaceState | LogVerdict | EndpointState) -> Look:
    """The look of a state or a verdict."""
    if isinstance(value, State):
        return _STATES[value]
    if isinstance(value, TaskState):
        return _TASKS[value]
    if isinstance(value, NamespaceState):
        return _NAMESPACES[value]
    if isinstance(value, EndpointState):
        return _ENDPOINTS[value]
    return _VERDICTS[value]


def run_look(run: Run) -> Look:
    """How a due time, or a training in the calendar, came out or will."""
    if run.state is not None:
        return _STATES[run.state]
    return _OUTCOMES[run.outcome] if run.outcome is not None else _PLANNED


def reason_words(reason: Reason) -> str:
    """A reason as a short heading."""
    return _REASONS[reason]


def trigger_words(trigger: Trigger, who: str) -> str:
    """What started a training, as the end of "Started …"."""
    return _TRIGGERS[trigger].format(who=who)


def started_by(trigger: Trigger) -> str:
    """What starts trainings of this kind, as a choice in a list."""
    return _STARTERS[trigger]


def framework_words(framework: Framework) -> str:
    """A framework by its own name."""
    return _FRAMEWORKS[framework]


def rule_words(rule: Rule) -> str:
    """What the linter noticed, as a short heading."""
    return _RULES[rule]


_RULES = {
    Rule.CRLF_NORMALISED: "run.sh had Windows line ends",
    Rule.CRLF: "Windows line ends",
    Rule.SYNTAX: "bash cannot read run.sh",
    Rule.NO_SHEBANG: "No shebang",
    Rule.NOT_TEXT: "Not a text file",
    Rule.BYTE_ORDER_MARK: "A byte order mark",
    Rule.LARGE_FILE: "A large file",
    Rule.LARGE_BUNDLE: "A large upload",
    Rule.CASE: "Names that differ by case only",
    Rule.LEFT_OUT: "Some files were left out",
}

_STATES = {
    State.QUEUED: Look("Queued", icon="clock", tone="calm", live=True),
    State.STARTING: Look("Starting", icon="rocket", tone="busy", live=True),
    State.RUNNING: Look("Running", icon="player-play", tone="busy", live=True),
    State.STOPPING: Look("Stopping", icon="hand-stop", tone="warn", live=True),
    State.SUCCEEDED: Look("Succeeded", icon="circle-check", tone="good"),
    State.FAILED: Look("Failed", icon="circle-x", tone="bad"),
    State.STOPPED: Look("Stopped", icon="player-stop", tone="calm"),
    State.TIMED_OUT: Look("Timed out", icon="clock-x", tone="warn"),
}

_ENDPOINTS = {
    EndpointState.STARTING: _STATES[State.STARTING],
    EndpointState.RUNNING: _STATES[State.RUNNING],
    EndpointState.STOPPING: _STATES[State.STOPPING],
    EndpointState.STOPPED: _STATES[State.STOPPED],
    EndpointState.FAILED: _STATES[State.FAILED],
}

_OUTCOMES = {
    DueOutcome.STARTED: Look("Started", icon="circle-check", tone="calm"),
    DueOutcome.SKIPPED: Look("Skipped", icon="player-skip-forward", tone="calm"),
    DueOutcome.MISSED: Look("Missed", icon="clock-off", tone="warn"),
    DueOutcome.QUEUE_FULL: Look("Queue full", icon="stack-2", tone="warn"),
    DueOutcome.REFUSED: Look("Refused", icon="alert-circle", tone="bad"),
}
_PLANNED = Look("Planned", icon="calendar-event", tone="calm")

_TASKS = {
    TaskState.WAITING: Look("Waiting", icon="clock", tone="calm"),
    TaskState.PENDING: Look("Pending", icon="hourglass", tone="calm", live=True),
    TaskState.RUNNING: Look("Running", icon="player-play", tone="busy", live=True),
    TaskState.SUCCEEDED: Look("Succeeded", icon="circle-check", tone="good"),
    TaskState.FAILED: Look("Failed", icon="circle-x", tone="bad"),
    TaskState.REMOVED: Look("Removed", icon="circle-minus", tone="calm"),
}

_NAMESPACES = {
    NamespaceState.NONE: Look("Not made yet", icon="box-off", tone="calm"),
    NamespaceState.PRESENT: Look("Present", icon="box", tone="busy"),
    NamespaceState.DELETING: Look("Being deleted", icon="trash", tone="warn", live=True),
    NamespaceState.GONE: Look("Gone", icon="box-off", tone="calm"),
}

_VERDICTS = {
    LogVerdict.VERIFIED: Look("Verified", icon="shield-check", tone="good"),
    LogVerdict.INCOMPLETE: Look("Incomplete", icon="alert-triangle", tone="warn"),
    LogVerdict.UNVERIFIED: Look("Unverified", icon="help-circle", tone="calm"),
}

_REASONS = {
    Reason.COMPLETED: "Completed",
    Reason.TASK_FAILED: "A task failed",
    Reason.OUT_OF_MEMORY: "Out of memory",
    Reason.IMAGE_PULL_FAILED: "The image could not be pulled",
    Reason.INVALID_IMAGE: "The image name is not valid",
    Reason.UNSCHEDULABLE: "No room in the cluster",
    Reason.MAX_DURATION: "Ran longer than allowed",
    Reason.STOPPED_BY_USER: "Stopped by a person",
    Reason.REPLACED: "Replaced by a newer training",
    Reason.NAMESPACE_LOST: "Its namespace was deleted",
    Reason.NODE_LOST: "A node was lost",
    Reason.EVICTED: "Evicted from its node",
    Reason.QUOTA: "Over a quota",
    Reason.INTERNAL_ERROR: "Internal error",
}

_TRIGGERS = {
    Trigger.PERSON: "by {who}",
    Trigger.SCHEDULE: "by the schedule",
    Trigger.WEBHOOK: "by {who}",
    Trigger.RETRY: "again by {who}",
    Trigger.BACKFILL: "by a backfill",
    Trigger.CHAIN: "after {who}",
}

_STARTERS = {
    Trigger.PERSON: "A person or a program",
    Trigger.SCHEDULE: "A schedule",
    Trigger.WEBHOOK: "A hook",
    Trigger.RETRY: "Run again",
    Trigger.BACKFILL: "A backfill",
    Trigger.CHAIN: "Another training's success",
}

_FRAMEWORKS = {Framework.TENSORFLOW: "TensorFlow", Framework.PYTORCH: "PyTorch", Framework.PLAIN: "Plain"}
