"""People: logging in and out, who a request comes from, and what admins do to accounts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.auth.credentials import TOKEN_PREFIX, digest, new_session_secret
from app.auth.passwords import Passwords, weakness
from app.db import audit, sessions, tokens, users
from app.db.engine import Database
from app.db.ids import new_id
from app.domain.access import Action, Principal, UserRole
from app.domain.account import Session, User
from app.domain.clock import Clock
from app.domain.names import NAME, NAME_RULE
from app.domain.paging import Page, PageRequest
from app.errors import Conflict, FieldError, InvalidInput, NotAuthenticated, NotFound
from app.services.access import require
from app.services.throttle import LoginThrottle


class AccountService:
    """Names are kept in lower case and compared so."""

    def __init__(self, database: Database, clock: Clock, *, session_lifetime: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._lifetime = session_lifetime
        self._passwords = Passwords()
        self._throttle = LoginThrottle()

    async def log_in(self, name: str, password: str, *, address: str, user_agent: str) -> tuple[User, str]:
        """The person and the secret of a new session. Raises `NotAuthenticated` and `TooManyRequests`."""
        name = name.strip().lower()
        await self._throttle.attempt(name, address)
        async with self._database.read() as connection:
            found = await users.with_hash(connection, name)
        right = await self._passwords.verify(password, found[1] if found else None)
        if not found or not right or found[0].disabled_at:
            raise NotAuthenticated("The name or the password is wrong.", code="wrong_credentials")
        await self._throttle.succeeded(name, address)
        user, now, secret = found[0], self._clock(), new_session_secret()
        session = Session(new_id(), user_agent[:300], now, now, now + self._lifetime)
        async with self._database.transaction() as connection:
            await sessions.add(connection, session, user_id=user.id, digest=digest(secret))
            await audit.record(connection, name, "session.create", f"user/{name}", address=address)
        return user, secret

    async def log_out(self, secret: str) -> None:
        """End a session; one that is over already is fine."""
        async with self._database.transaction() as connection:
            await sessions.end(connection, digest(secret))

    async def by_session(self, secret: str) -> Principal:
        """Whoever holds the cookie. Raises `NotAuthenticated`."""
        now = self._clock()
        async with self._database.read() as connection:
            found = await sessions.principal_of(connection, digest(secret), now)
        if found is None:
            raise NotAuthenticated("Your session is over. Log in again.")
        principal, session_id, seen_at = found
        if now - seen_at >= sessions.NOTED_EVERY:
            async with self._database.transaction() as connection:
                await sessions.note_seen(connection, session_id, now)
        return principal

    async def by_token(self, secret: str) -> Principal:
        """Whomever the API token acts for. Raises `NotAuthenticated`."""
        now = self._clock()
        found = None
        if secret.startswith(TOKEN_PREFIX):
            async with self._database.read() as connection:
                found = await tokens.principal_of(connection, digest(secret), now)
        if found is None:
            raise NotAuthenticated("The API token is unknown, expired or revoked. Make a new one under Account.")
        principal, token = found
        if token.last_used_at is None or now - token.last_used_at >= sessions.NOTED_EVERY:
            async with self._database.transaction() as connection:
                await tokens.note_used(connection, token.id, now)
        return principal

    async def own_sessions(self, principal: Principal, *, session: str | None = None) -> list[Session]:
        """Where the person is logged in, the newest first; the one of the secret `session` is marked."""
        asking = digest(session) if session is not None else None
        async with self._database.read() as connection:
            return await sessions.of_user(connection, principal.user_id, self._clock(), asking=asking)

    async def end_session(self, principal: Principal, session_id: UUID) -> None:
        """Log the person out somewhere. Raises `NotFound`."""
        async with self._database.transaction() as connection:
            if not await sessions.end_one(connection, principal.user_id, session_id):
                raise NotFound("You have no such session.")

    async def page(self, principal: Principal, request: PageRequest) -> Page[User]:
        """Everybody, by name."""
        async with self._database.read() as connection:
            return await users.page(connection, request)

    async def get(self, principal: Principal, name: str) -> User:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            return _known(await users.by_name(connection, name), name)

    async def create(self, principal: Principal, *, name: str, role: UserRole, password: str) -> User:
        """Raises `NotAllowed`, `InvalidInput` and `Conflict` (the name is taken)."""
        require(principal, Action.ADMINISTER)
        return await self.add(name=name, role=role, password=password, actor=principal.name)

    async def add(self, *, name: str, role: UserRole, password: str, actor: str) -> User:
        """The same for whoever sits at the machine. Raises `InvalidInput` and `Conflict`."""
        name = name.lower()
        if not NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} cannot be a name: {NAME_RULE}.", errors=[FieldError("/name", NAME_RULE)])
        _strong(password, name)
        hashed = await self._passwords.hash(password)
        user = User(new_id(), name, role, self._clock())
        async with self._database.transaction() as connection:
            if not await users.add(connection, user, hashed):
                raise Conflict(f"There is somebody named {name} already: choose another name.")
            await audit.record(connection, actor, "user.create", f"user/{name}", role=role)
        return user

    async def change(
        self, principal: Principal, name: str, *, role: UserRole | None = None, disabled: bool | None = None
    ) -> User:
        """Raises `NotAllowed`, `NotFound` and `Conflict` (nobody would be left to administer)."""
        require(principal, Action.ADMINISTER)
        async with self._database.transaction() as connection:
            user = _known(await users.by_name(connection, name), name)
            loses = (role is not None and role is not UserRole.ADMIN) or disabled
            if loses and user.role is UserRole.ADMIN and not await users.other_admins(connection, user.id):
                raise Conflict(f"{name} is the only admin left: make somebody else an admin first.")
            changed = _known(await users.change(connection, user.id, role=role, disabled=disabled), name)
            if disabled:
                await sessions.end_all(connection, user.id)
            await audit.record(connection, principal.name, "user.change", f"user/{name}", role=role, disabled=disabled)
        return changed

    async def change_password(
        self, principal: Principal, *, current: str, new: str, address: str, session: str | None = None
    ) -> None:
        """Ends the person's other sessions. Raises `InvalidInput` and `TooManyRequests`; `session` stays alive."""
        await self._throttle.attempt(principal.name, address)
        async with self._database.read() as connection:
            found = await users.with_hash(connection, principal.name)
        if not await self._passwords.verify(current, found[1] if found else None):
            detail = "The current password is wrong."
            raise InvalidInput(detail, errors=[FieldError("/current_password", detail)])
        await self._throttle.succeeded(principal.name, address)
        await self._set_password(principal.name, new, actor=principal.name, but=digest(session) if session else None)

    async def set_password(self, principal: Principal, name: str, new: str) -> None:
        """An admin gives somebody a new password; ends all of their sessions. Raises `NotAllowed`, `NotFound`."""
        require(principal, Action.ADMINISTER)
        await self._set_password(name, new, actor=principal.name)

    async def reset_password(self, name: str, new: str) -> None:
        """The same for whoever sits at the machine. Raises `NotFound` and `InvalidInput`."""
        await self._set_password(name.lower(), new, actor="command line")

    async def _set_password(self, name: str, new: str, *, actor: str, but: bytes | None = None) -> None:
        _strong(new, name)
        hashed = await self._passwords.hash(new)
        async with self._database.transaction() as connection:
            user = _known(await users.by_name(connection, name), name)
            await users.set_password(connection, user.id, hashed)
            await sessions.end_all(connection, user.id, but=but)
            await audit.record(connection, actor, "user.password", f"user/{name}")


def _known(user: User | None, name: str) -> User:
    if user is None:
        raise NotFound(f"There is nobody named {name}.")
    return user


def _strong(password: str, name: str) -> None:
    if detail := weakness(password, name):
        raise InvalidInput(detail, errors=[FieldError("/password", detail)])
