"""What to do about an endpoint, from its row and what is seen of it: pure and synchronous.

Level-triggered, as `app.domain.decide` is: it is asked again after every change and at its own `wake_at`, and the
answer depends only on what it is given. What cannot be undone is written to the row before it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from app.domain.causes import clean
from app.domain.decision import Horizon
from app.domain.endpoints import sentences
from app.domain.endpoints.decision import (
    Action,
    Apply,
    CreateNamespace,
    DeleteDeployment,
    DeleteNamespace,
    DeleteVolumes,
    End,
    EndpointDecision,
    EndpointPolicy,
    EndpointStatus,
)
from app.domain.endpoints.endpoint import Desired, Endpoint, EndpointReason, EndpointState, namespace_name
from app.domain.endpoints.kinds import BEHAVIOURS, Behaviour
from app.domain.endpoints.seen import SeenEndpoint
from app.domain.endpoints.waiting import newest_waiting, why_waiting
from app.domain.training import NamespaceState
from app.domain.waiting import BAD_IMAGE, PULL_ERRORS, pull_trouble


def decide(endpoint: Endpoint, seen: SeenEndpoint, policy: EndpointPolicy, now: datetime) -> EndpointDecision:
    """The next status of `endpoint`, the actions that follow from it, and when to look again."""
    horizon, status = Horizon(now), EndpointStatus.of(endpoint)
    if endpoint.state.ended:
        return _over(endpoint, status, horizon)
    if not seen.fresh:
        horizon.look_in(policy.unfresh_look)
        waits = endpoint.state is EndpointState.STARTING
        return EndpointDecision(replace(status, message=sentences.no_cluster()) if waits else status, horizon.next)
    if endpoint.state is EndpointState.STOPPING:
        return _stopping(status, seen, policy, horizon)
    return _live(endpoint, status, seen, policy, horizon)


def _over(endpoint: Endpoint, status: EndpointStatus, horizon: Horizon) -> EndpointDecision:
    """It rests until somebody asks for another start."""
    if endpoint.desired is not Desired.RUNNING or endpoint.starts <= endpoint.launch:
        return EndpointDecision(status, None)
    return EndpointDecision(_launched(endpoint, status, horizon.now), horizon.now)


def _launched(endpoint: Endpoint, status: EndpointStatus, now: datetime) -> EndpointStatus:
    return replace(
        status,
        state=EndpointState.STARTING,
        reason=None,
        message="",
        launch=endpoint.starts,
        namespace=namespace_name(BEHAVIOURS[endpoint.kind].prefix, endpoint, endpoint.starts),
        namespace_uid=None,
        namespace_state=NamespaceState.NONE,
        addresses={},
        applied_gen=0,
        replicas=0,
        ready=0,
        starting_at=now,
        running_at=None,
        stopping_at=None,
        ended_at=None,
    )


def _live(
    endpoint: Endpoint, status: EndpointStatus, seen: SeenEndpoint, policy: EndpointPolicy, horizon: Horizon
) -> EndpointDecision:
    behaviour = BEHAVIOURS[endpoint.kind]
    end = _end(endpoint, behaviour, seen, policy, horizon)
    if end is not None:
        ending = replace(
            status, state=EndpointState.STOPPING, reason=end.reason, message=end.message, stopping_at=horizon.now
        )
        return EndpointDecision(ending, horizon.now)
    if endpoint.namespace is None:
        return EndpointDecision(_launched(endpoint, status, horizon.now), horizon.now)
    horizon.look_in(policy.idle_look)
    if endpoint.namespace_uid is None:
        if seen.namespace is None or not seen.namespace.ours:
            return EndpointDecision(status, horizon.next, (CreateNamespace(endpoint.namespace),))
        # Its UID is written down before anything is made inside.
        made = replace(status, namespace_uid=seen.namespace.uid, namespace_state=NamespaceState.PRESENT)
        return EndpointDecision(made, horizon.now)
    if seen.addresses:
        status = replace(status, addresses=seen.addresses, applied_gen=endpoint.spec_gen)
    actions = _missing(endpoint, status, behaviour, seen)
    return EndpointDecision(_progress(endpoint, status, behaviour, seen, horizon), horizon.next, actions)


def _end(
    endpoint: Endpoint, behaviour: Behaviour, seen: SeenEndpoint, policy: EndpointPolicy, horizon: Horizon
) -> End | None:
    """Why it is over: a person's wish first, then what the cluster says, then what its kind knows."""
    if endpoint.desired is Desired.STOPPED:
        if endpoint.stop_reason is EndpointReason.PROJECT_DELETED:
            return End(EndpointReason.PROJECT_DELETED, sentences.project_deleted(endpoint.project))
        return End(EndpointReason.STOPPED_BY_USER, sentences.stopped(endpoint.stop_requested_by))
    if seen.refusals and endpoint.state is EndpointState.STARTING:
        refusal = seen.refusals[0]
        return End(EndpointReason.REFUSED, sentences.refused(refusal.object, clean(refusal.message)))
    if endpoint.namespace_uid is not None and not _is_there(endpoint.namespace_uid, seen):
        return End(EndpointReason.NAMESPACE_LOST, sentences.namespace_lost(endpoint.namespace or ""))
    if endpoint.state is EndpointState.STARTING and endpoint.starting_at is not None:
        end = _failed_start(endpoint, endpoint.starting_at, behaviour, seen, policy, horizon)
        if end is not None:
            return end
    return behaviour.end(endpoint, seen, horizon)


def _is_there(uid: str, seen: SeenEndpoint) -> bool:
    return seen.namespace is not None and seen.namespace.uid == uid and not seen.namespace.deleting


def _failed_start(
    endpoint: Endpoint,
    since: datetime,
    behaviour: Behaviour,
    seen: SeenEndpoint,
    policy: EndpointPolicy,
    horizon: Horizon,
) -> End | None:
    limit = behaviour.start_timeout
    if limit is None or behaviour.ready(endpoint, seen):
        return None
    replica = newest_waiting(seen)
    if replica is not None and replica.waiting in PULL_ERRORS | BAD_IMAGE:
        since_then = replica.waiting_since or horizon.now
        if horizon.passed(since_then + policy.image_patience):
            why = pull_trouble(replica.waiting_message)
            return End(EndpointReason.IMAGE_PULL_FAILED, sentences.image_pull_failed(why))
    if horizon.passed(since + limit):
        return End(EndpointReason.NOT_READY, sentences.not_ready(limit, why_waiting(seen)))
    return None


def _missing(
    endpoint: Endpoint, status: EndpointStatus, behaviour: Behaviour, seen: SeenEndpoint
) -> tuple[Action, ...]:
    """What has to be applied or removed; names are fixed, so doing it again does no harm."""
    wanted = behaviour.workloads(endpoint)
    current = {name for name, one in seen.deployments.items() if one.spec_gen >= endpoint.spec_gen}
    if wanted - current or status.applied_gen < endpoint.spec_gen:
        return (Apply(endpoint.spec_gen),)
    return tuple(
        DeleteDeployment(endpoint.namespace or "", one.name, one.uid)
        for name, one in sorted(seen.deployments.items())
        if name not in wanted
    )


def _progress(
    endpoint: Endpoint, status: EndpointStatus, behaviour: Behaviour, seen: SeenEndpoint, horizon: Horizon
) -> EndpointStatus:
    status = replace(
        status,
        addresses=_with_pods(status.addresses, behaviour.dialled, seen),
        replicas=sum(one.wanted for one in seen.deployments.values()),
        ready=sum(replica.ready and not replica.deleting for replica in seen.replicas),
    )
    if behaviour.ready(endpoint, seen) and status.addresses:
        running_at = status.running_at or horizon.now
        note = _note(endpoint, behaviour, seen)
        return replace(status, state=EndpointState.RUNNING, message=note, running_at=running_at)
    say = sentences.not_answering if status.state is EndpointState.RUNNING else sentences.waiting
    return replace(status, message=say(why_waiting(seen)))


def _note(endpoint: Endpoint, behaviour: Behaviour, seen: SeenEndpoint) -> str:
    """A change that the cluster refuses does not end what runs: it goes on as it was, and says so."""
    if seen.refusals:
        return sentences.refused(seen.refusals[0].object, clean(seen.refusals[0].message))
    return behaviour.note(endpoint, seen)


def _with_pods(addresses: Mapping[str, str], dialled: tuple[str, int] | None, seen: SeenEndpoint) -> dict[str, str]:
    """The addresses of Services, and of each ready pod that is dialled by itself, as `pod/<name>`."""
    services = {name: address for name, address in addresses.items() if not name.startswith("pod/")}
    if dialled is None:
        return services
    workload, port = dialled
    ready = [one for one in seen.replicas if one.workload == workload and one.ready and not one.deleting]
    return services | {f"pod/{one.name}": _at(one.address, port) for one in ready if one.address}


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _stopping(status: EndpointStatus, seen: SeenEndpoint, policy: EndpointPolicy, horizon: Horizon) -> EndpointDecision:
    """Take everything away, and believe that it is gone only when the API server says so."""
    space = seen.namespace
    ours = space is not None and space.ours and space.uid == (status.namespace_uid or space.uid)
    if space is None or not ours:
        reason = status.reason or EndpointReason.STOPPED_BY_USER
        ended = replace(
            status,
            state=reason.state,
            namespace_state=NamespaceState.GONE if status.namespace else NamespaceState.NONE,
            addresses={},
            replicas=0,
            ready=0,
            ended_at=horizon.now,
        )
        # Asked to start again meanwhile: that is due at once.
        return EndpointDecision(ended, horizon.now, (DeleteVolumes(),) if status.namespace_uid else ())
    status = replace(
        status, namespace_uid=space.uid, namespace_state=NamespaceState.DELETING, addresses={}, replicas=0, ready=0
    )
    horizon.look_in(policy.stuck_look)
    if space.deleting:
        return EndpointDecision(status, horizon.next)
    # The volumes first: once the namespace is being deleted nothing else asks for them again.
    return EndpointDecision(status, horizon.next, (DeleteVolumes(), DeleteNamespace(space.name, space.uid)))
