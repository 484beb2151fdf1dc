"""The sentences that a training's record shows: what happened, and what to do about it."""

from __future__ import annotations

from datetime import timedelta

from app.domain.cluster import OUT_OF_SERVICE
from app.domain.training import Reason, State


def stopped(reason: Reason, by: str | None) -> str:
    if reason is Reason.REPLACED:
        return "It was replaced by a newer training."
    return f"It was stopped by {by}." if by else "It was stopped."


def completed(succeeded: int, total: int, *, failed: int = 0, grace: timedelta | None = None) -> str:
    """`grace`: what an evaluator that goes on was given; None: nothing goes on any more."""
    if succeeded == total:
        return "The task completed." if total == 1 else f"All {total} tasks completed."
    parts = [f"{succeeded} of {total} tasks completed{f', {failed} failed' if failed else ''}"]
    if grace is not None:
        parts.append(f"the evaluator was given {duration(grace)} to finish")
    unneeded = total - succeeded - failed - (grace is not None)
    if unneeded:
        parts.append(f"the other{' was' if unneeded == 1 else 's were'} no longer needed")
    return f"{'; '.join(parts)}."


def namespace_lost(namespace: str) -> str:
    return (
        f"The namespace {namespace} was deleted by somebody else while the training was using it. "
        "Start it again, and find out who deletes namespaces named taas-*."
    )


def job_lost(role: str) -> str:
    return f"The Job of role {role} was deleted by somebody else. Start the training again."


def refused(what: str, words: str) -> str:
    return (
        f"The cluster refuses {what}: {words}. "
        "Ask whoever runs the cluster whether a policy forbids it, and whether TaaS has the rights it needs."
    )


def quota(what: str, words: str) -> str:
    return (
        f"The cluster's limits refuse {what}: {words}. "
        "Ask for less cpu, memory or fewer tasks, or have the quota raised."
    )


def failed_unseen(task: str, words: str) -> str:
    return f"{task} failed{f': {words}' if words else ''}. Its pod is gone, so its exit code is not known."


def with_others(sentence: str, others: int) -> str:
    if not others:
        return sentence
    return f"{sentence} {others} more task{'s' if others > 1 else ''} failed too."


def too_often(sentence: str, times: int) -> str:
    return f"{sentence} That happened {times} times to this task, so it is not tried again: see to the nodes."


def invalid_image(task: str, image: str, words: str) -> str:
    return f"{task} cannot use the image {image}: {words or 'it is not valid'}. Correct the image's name."


def bad_container(task: str, image: str, words: str) -> str:
    return (
        f"{task} cannot be started from the image {image}: {words or 'its container cannot be made'}. "
        "The image must have bash and be able to run as a user other than root."
    )


def image_pull_failed(task: str, image: str, words: str) -> str:
    return (
        f"{task} cannot pull the image {image}: {words or 'the registry does not give it'}. "
        "Check the name and tag, and whether its registry needs credentials (add them under Registries)."
    )


def max_duration(limit: timedelta) -> str:
    return f"It was still running after its time limit of {duration(limit)}. Raise max_duration if it needs longer."


def pending_timeout(task: str, limit: timedelta, why: str) -> str:
    return (
        f"{task} did not run within {duration(limit)}: {why}. "
        "Ask for less, wait until the cluster has room, or raise pending_timeout."
    )


def not_replaced(task: str, limit: timedelta, why: str) -> str:
    return f"{task} was lost to the cluster and did not run again within {duration(limit)}: {why}. Start it again."


def waiting_for(task: str, why: str, others: int) -> str:
    more = f" ({others} more task{'s' if others > 1 else ''} waiting)" if others else ""
    return f"Waiting for {task}: {why}{more}."


def queued(running: int, limit: int, *, of_project: bool) -> str:
    """Which limit holds it back."""
    if running == limit == 1:
        whose = "training of this project" if of_project else "training"
        return f"Another {whose} is running, and only one may at a time: it starts when that has ended, in its turn."
    whose = "trainings of this project" if of_project else "trainings"
    return f"{running} of at most {limit} {whose} are running: it starts when one ends, first come, first served."


def may_still_run(training: str, node: str) -> str:
    """Why the next one waits for a training that was lost with its node, and what ends that."""
    return (
        f"{training} may still run on node {node}, which was lost. Restart the machine, taint its Node "
        f"{OUT_OF_SERVICE} while it is off, or delete the Node if the machine is gone; "
        f"or see for yourself that nothing of it runs any more, and release {training}."
    )


def waits_for_its_turn(project: str, number: int, state: State, node: str | None) -> str:
    """Which other training of a timed project it starts after."""
    other = f"{project} #{number}"
    if node is not None:
        return f"{may_still_run(other, node)} Then this one starts."
    if state.ended:
        return f"{other} has ended; it starts as soon as the logs of #{number} are stored."
    if state is State.QUEUED:
        return f"{other} is before it: trainings of this timed project run one after the other."
    return f"It starts when nothing of {other} runs any more."


def no_cluster() -> str:
    return "TaaS has no connection to its cluster just now; the training starts when there is one."


def cluster_trouble(words: str) -> str:
    return f"The cluster does not do what TaaS asks ({words}). TaaS goes on trying."


def half_launched() -> str:
    return "Its launch was not complete, so its namespace is deleted at once."


def archiving() -> str:
    return "Its logs are being stored before its namespace is deleted."


def between(least: timedelta, most: timedelta) -> str:
    """What a duration may be, such as `1 minute to 366 days`: words that hold however durations are typed."""
    return f"{_written_out(least)} to {_written_out(most)}"


def duration(value: timedelta) -> str:
    """`90 s`, `5 min`, `2 h`, `1 h 30 min`."""
    seconds = int(value.total_seconds())
    if seconds < 60 or (seconds < 120 and seconds % 60):
        return f"{seconds} s"
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{seconds} s" if seconds else ""]
    return " ".join(part for part in parts if part)


def _written_out(span: timedelta) -> str:
    """In the largest unit that divides it; `0` for nothing."""
    for unit, size in _UNITS:
        count, rest = divmod(span, size)
        if count and not rest:
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return "0"


_UNITS = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
)
