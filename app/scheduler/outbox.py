"""Sends what the outbox holds: any number of workers, each notice by one of them, a slow receiver in nobody's way."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from functools import partial

import structlog

from app.auth.seal import Sealer
from app.db import outbox, subscriptions
from app.db.engine import Database
from app.db.notices import CHANNEL
from app.db.notify import Listener
from app.db.outbox import Parcel, Result
from app.domain.message import letter, payload
from app.domain.notice import Channel
from app.domain.places import webhook_secret_place
from app.domain.retries import wait_after
from app.domain.signatures import signature_header
from app.domain.webhook_url import parse_url
from app.errors import TaasError
from app.scheduler.mail import Mailer
from app.scheduler.resolving import NotSent
from app.scheduler.webhooks import Poster
from app.settings import Settings
from app.telemetry import NOTICE_SECONDS, NOTICE_TRIES

AT_ONCE = 32
AT_ONCE_PER_PLACE = 4
# Longer than any try takes. When a sender is not heard of for so long, another one tries.
CLAIM_SECONDS = 60.0
LEAVE_SECONDS = 5.0
GONE = "The receiver answered 410 Gone: it wants no more. Enable it again when that was a mistake."
_log = structlog.get_logger(__name__)


class Outbox:
    """At most `AT_ONCE` tries at a time, and of those `AT_ONCE_PER_PLACE` to one host."""

    def __init__(
        self,
        database: Database,
        listener: Listener,
        sealer: Sealer,
        settings: Settings,
        *,
        poster: Poster | None = None,
        mailer: Mailer | None = None,
    ) -> None:
        self._database = database
        self._listener = listener
        self._sealer = sealer
        self._settings = settings
        self._poster = poster or Poster(settings.webhook_allowed_networks)
        self._mailer = mailer or Mailer(settings)
        self._busy: Counter[str] = Counter()
        self._sending: set[asyncio.Task[None]] = set()
        self._look = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled; then what is being sent has a moment to arrive."""
        try:
            async with asyncio.TaskGroup() as parts:
                parts.create_task(self._listen())
                parts.create_task(self._claim())
        finally:
            await self._leave()

    async def _claim(self) -> None:
        while True:
            try:
                claimed = await self.claim()
            except TaasError as exc:
                _log.warning("cannot look for notices to send", problem=exc.detail)
                claimed = []
            for parcel in claimed:
                self._busy[parcel.place] += 1
                task = asyncio.create_task(self.deliver(parcel), name=f"notice {parcel.notice.event_id}")
                self._sending.add(task)
                task.add_done_callback(partial(self._done, parcel.place))
            if not claimed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.sweep_seconds):
                        await self._look.wait()
                self._look.clear()

    async def claim(self) -> list[Parcel]:
        """What is due and may be sent now; every one of them has to be given to `deliver`."""
        free = AT_ONCE - len(self._sending)
        if free <= 0:
            return []
        async with self._database.transaction() as connection:
            return await outbox.claim(
                connection, free=free, each=AT_ONCE_PER_PLACE, busy=+self._busy, seconds=CLAIM_SECONDS
            )

    async def deliver(self, parcel: Parcel) -> None:
        """One try, and what came of it."""
        begun = time.perf_counter()
        try:
            result = await self._try(parcel)
        except NotSent as exc:
            result = Result(exc.status, exc.answer, exc.problem)
            await self._failed(parcel, result, final=exc.final)
        except TaasError as exc:
            await self._failed(parcel, Result(problem=exc.detail), final=False)
        else:
            async with self._database.transaction() as connection:
                await outbox.mark_sent(connection, parcel, result)
            NOTICE_TRIES.labels(parcel.channel.value, "sent").inc()
        NOTICE_SECONDS.labels(parcel.channel.value).observe(time.perf_counter() - begun)

    async def _try(self, parcel: Parcel) -> Result:
        if parcel.disabled:
            raise NotSent("It was disabled before this could be sent.", final=True)
        if parcel.exhausted:
            raise NotSent("The last try was never heard of again.", final=True)
        if parcel.channel is Channel.MAIL:
            said = letter(parcel.notice, self._settings.address)
            await self._mailer.send(parcel.notice, said, to=parcel.target, subscription_id=parcel.subscription_id)
            return Result()
        return await self._post(parcel)

    async def _post(self, parcel: Parcel) -> Result:
        place = webhook_secret_place(parcel.subscription_id)
        secrets = [self._sealer.open(secret, place) for secret in parcel.secrets]
        body = payload(parcel.notice, self._settings.address)
        at = int(time.time())
        headers = {
            "webhook-id": parcel.notice.event_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature_header(secrets, parcel.notice.event_id, at, body),
        }
        url = parse_url(parcel.target, self._settings.webhook_allowed_networks)
        answer = await self._poster.post(url, headers, body)
        if 200 <= answer.status < 300:
            return Result(answer.status, answer.text)
        if 300 <= answer.status < 400:
            problem = f"It answered {answer.status}; redirects are not followed. Give the final URL."
        else:
            problem = GONE if answer.status == 410 else f"It answered {answer.status}; only 2xx counts as received."
        raise NotSent(problem, status=answer.status, answer=answer.text, final=answer.status == 410)

    async def _failed(self, parcel: Parcel, result: Result, *, final: bool) -> None:
        given_up = final or parcel.last
        wait = None if given_up else wait_after(parcel.failures, random.random())
        gone = parcel.channel is Channel.WEBHOOK and result.status == 410
        async with self._database.transaction() as connection:
            if gone:  # locked before any delivery of it is, as others do who were told the same
                await subscriptions.by_id(connection, parcel.channel, parcel.subscription_id, lock=True)
            await outbox.mark_failed(connection, parcel, result, wait=wait)
            if gone:
                await subscriptions.disable(connection, parcel.subscription_id, GONE)
        NOTICE_TRIES.labels(parcel.channel.value, "given_up" if given_up else "failed").inc()
        _log.info("a notice did not arrive", notice=parcel.notice.event_id, place=parcel.place, problem=result.problem)

    def _done(self, place: str, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._busy[place] -= 1
        if not task.cancelled() and (failure := task.exception()) is not None:
            # It is due again when its claim runs out.
            _log.error("sending a notice failed", task=task.get_name(), exc_info=failure)
        self._look.set()

    async def _listen(self) -> None:
        with self._listener.subscribe(CHANNEL) as told:
            while True:
                if await told.take(timeout=60):
                    self._look.set()

    async def _leave(self) -> None:
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=LEAVE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
