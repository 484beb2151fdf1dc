"""What a call of a hook leads to: exactly one training for each delivery, or a row that says why not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth.credentials import digest
from app.auth.seal import Sealer
from app.db import hook_deliveries, hooks
from app.db.engine import Database, DatabaseUnavailable
from app.db.hooks import Called
from app.db.ids import new_id
from app.domain.access import Principal
from app.domain.delivered import Call, key_of, payload_of, shown_headers, shown_payload
from app.domain.hook import HookDelivery, Outdated, Signing
from app.domain.incoming import verify
from app.domain.mapping import params_of
from app.domain.places import hook_place
from app.domain.training import Trigger
from app.errors import Conflict, FieldError, InvalidInput, NotAllowed, NotFound, TaasError
from app.services.freeze import LaunchRequest
from app.services.hook_rates import HookRates
from app.services.hooks import HookService, unknown_hook
from app.services.launching import LaunchService

Reader = Callable[[], Awaitable[bytes]]
"""Reads a body up to its limit; raises `TooLarge`."""


@dataclass(frozen=True, slots=True)
class DeliveryAnswer:
    """What the sender is told; `again` when it was told so before."""

    status: int
    body: dict[str, Any]
    training_id: UUID | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """What a payload would lead to; `problems` is empty when a training would be started."""

    params: dict[str, str]
    problems: tuple[FieldError, ...]


class HookCalls:
    """A hook acts with the rights of its project's owner, under its own name."""

    def __init__(self, database: Database, sealer: Sealer, launching: LaunchService, service: HookService) -> None:
        self._database = database
        self._sealer = sealer
        self._launching = launching
        self._service = service
        self._rates = HookRates()

    async def receive(
        self, token: str, *, address: str, headers: Mapping[str, str], read: Reader, base: str
    ) -> DeliveryAnswer:
        """Answer a call; `base` is how the sender reaches TaaS, for the addresses in the answer.

        Raises `NotFound` for an unknown token, `TooManyRequests`, `TooLarge`, `BadSignature`, `UnsupportedMedia`,
        `InvalidInput`, and what starting raises; all but the first two are recorded.
        """
        called = await self._called(token, address)
        delivery = HookDelivery(new_id(), called.hook.id, called.now, headers=shown_headers(headers))
        try:
            call = Call(headers, await read())
            secrets, outdated = self._check(called, call, token)
            delivery = replace(delivery, outdated=outdated)
            key = key_of(headers)
            payload = payload_of(call)
        except DatabaseUnavailable:
            raise
        except TaasError as exc:
            await self._refused(delivery, exc)
            raise
        shown, kept, note = shown_payload(payload, secrets)
        delivery = replace(delivery, key=key, payload=shown, has_payload=kept, payload_note=note)
        return await self._once(called, delivery, payload, call, base)

    async def replay(self, principal: Principal, hook_id: UUID, delivery_id: UUID, *, base: str) -> DeliveryAnswer:
        """The same payload once more, as a new delivery that says so.

        Raises `NotFound`, `NotAllowed`, `Conflict` when its payload is not kept, and what starting raises.
        """
        first = await self._service.delivery(principal, hook_id, delivery_id)
        if not first.has_payload:
            why = first.payload_note or "It was refused before its payload was read."
            raise Conflict(f"There is no payload to deliver again. {why} Have the sender send it again.")
        async with self._database.read() as connection:
            called = await hooks.called(connection, hook_id)
        if called is None:
            raise unknown_hook()
        delivery = HookDelivery(
            new_id(),
            hook_id,
            called.now,
            headers=first.headers,
            payload=first.payload,
            has_payload=True,
            replay_of=first.id,
            replayed_by=principal.name,
        )
        return await self._once(called, delivery, first.payload, None, base)

    async def test(self, principal: Principal, hook_id: UUID, payload: Any) -> Tried:
        """What params a payload would give, and why it would start nothing. Starts nothing."""
        hook = await self._service.get(principal, hook_id)
        params, problems = params_of(hook.rules, payload)
        if not problems:
            try:
                await self._launching.preview(principal, hook.project, LaunchRequest(params=params))
            except InvalidInput as exc:
                problems = list(exc.errors) or [FieldError("", exc.detail)]
        if not hook.enabled:
            problems.append(FieldError("", _switched_off().detail))
        return Tried(params, tuple(problems))

    async def _called(self, token: str, address: str) -> Called:
        async with self._database.read() as connection:
            called = await hooks.by_token(connection, digest(token))
        if called is None:
            await self._rates.unknown(address)
            raise NotFound("There is no such hook. It may have been revoked, or its token replaced.")
        await self._rates.called(called.hook.id)
        return called

    def _check(self, called: Called, call: Call, token: str) -> tuple[tuple[str, ...], tuple[Outdated, ...]]:
        """The secrets that no record may show, and what it came with that was replaced. Raises `BadSignature`."""
        outdated = (Outdated.TOKEN,) if called.by_old_token else ()
        if called.hook.signing is Signing.NONE or not called.secrets:
            return (token,), outdated
        place = hook_place(called.hook.id)
        secrets = tuple(self._sealer.open(sealed, place) for sealed in called.secrets)
        used = verify(called.hook.signing, secrets, call.headers, call.body, called.now)
        return (token, *secrets), (*outdated, Outdated.SECRET) if used else outdated

    async def _refused(self, delivery: HookDelivery, exc: TaasError) -> None:
        refused = replace(
            delivery,
            status=exc.status,
            answer=_problem(exc),
            payload_note="It was refused before its payload was kept.",
        )
        async with self._database.transaction() as connection:
            await hook_deliveries.add(connection, refused, None, holds=False)

    async def _once(
        self, called: Called, delivery: HookDelivery, payload: Any, call: Call | None, base: str
    ) -> DeliveryAnswer:
        """Row and training in one transaction: whoever brings the same id meanwhile waits for it."""
        fingerprint = call.fingerprint if call else None
        failure: TaasError | None = None
        async with self._database.transaction() as connection:
            if not await hook_deliveries.add(connection, delivery, fingerprint, holds=True):
                return await _answered(connection, delivery, fingerprint)
            if call is not None and call.is_ping:
                answer = DeliveryAnswer(200, {"message": f"Hello. {called.hook.project} listens."})
                await hook_deliveries.finish(connection, delivery.id, status=answer.status, answer=answer.body)
                return answer
            try:
                async with connection.begin_nested():
                    answer, params = await self._start(connection, called, delivery, payload, base)
            except DatabaseUnavailable:
                raise
            except TaasError as exc:
                failure = exc
                await hook_deliveries.finish(
                    connection, delivery.id, status=exc.status, answer=_problem(exc), holds=False
                )
            else:
                await hook_deliveries.finish(
                    connection,
                    delivery.id,
                    status=answer.status,
                    answer=answer.body,
                    params=params,
                    training_id=answer.training_id,
                )
        if failure is not None:
            raise failure
        return answer

    async def _start(
        self, connection: AsyncConnection, called: Called, delivery: HookDelivery, payload: Any, base: str
    ) -> tuple[DeliveryAnswer, dict[str, str]]:
        hook = called.hook
        if not hook.enabled:
            raise _switched_off()
        if called.owner_disabled:
            raise NotAllowed(f"{hook.owner}, who owns {hook.project}, is not active any more: an admin can help.")
        params, errors = params_of(hook.rules, payload)
        if errors:
            raise InvalidInput(" ".join(error.detail for error in errors[:3]), errors=errors)
        actor = Principal(hook.owner_id, f"hook {hook.name}", called.owner_role)
        record = await self._launching.start_within(
            connection, actor, hook.project, LaunchRequest(params=params), trigger=Trigger.WEBHOOK
        )
        training = record.training
        body = {
            "training": str(training.id),
            "url": f"{base}/api/v1/trainings/{training.id}",
            "page": f"{base}/trainings/{training.id}",
            "delivery": str(delivery.id),
        }
        return DeliveryAnswer(202, body, training.id), params


async def _answered(connection: AsyncConnection, delivery: HookDelivery, fingerprint: bytes | None) -> DeliveryAnswer:
    earlier = await hook_deliveries.again(connection, delivery.hook_id, delivery.key or "")
    if earlier.fingerprint != fingerprint:
        raise InvalidInput(
            "A delivery with this id came before, with another body: use a new id for each new delivery.",
            code="delivery_id_reused",
        )
    return DeliveryAnswer(earlier.status, earlier.answer, earlier.training_id, again=True)


def _problem(exc: TaasError) -> dict[str, Any]:
    errors = [{"pointer": error.pointer, "detail": error.detail} for error in exc.errors[:20]]
    return {"code": exc.code, "detail": exc.detail, **({"errors": errors} if errors else {})}


def _switched_off() -> Conflict:
    return Conflict("This hook is switched off. Whoever owns its project can switch it on.", code="hook_switched_off")
