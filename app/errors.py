"""Every error that TaaS raises on purpose.

An error carries its own HTTP status and a stable code, so that one handler can render all of them as
`application/problem+json` (RFC 9457) and no layer below the API needs to know about HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field of what was sent.

    `pointer` is a JSON pointer (RFC 6901) into the body, such as `/roles/worker/count`; `detail` is a sentence that
    says what was wrong and what would be right.
    """

    pointer: str
    detail: str

    @property
    def named(self) -> str:
        """The sentence with the field before it, as where no pointer is shown: `roles.worker.count: …`."""
        field = self.pointer.removeprefix("/").replace("/", ".").replace("~1", "/").replace("~0", "~")
        return f"{field}: {self.detail}" if field else self.detail


class TaasError(Exception):
    """The base of all errors that a caller may be shown. `detail` is a sentence with its remedy."""

    status = 500
    code = "internal_error"
    title = "Something went wrong"

    def __init__(self, detail: str, *, code: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        if code is not None:
            self.code = code


class InvalidInput(TaasError):
    """What was sent cannot be used; `errors` names each field."""

    status = 422
    code = "invalid_input"
    title = "The input is not valid"

    @classmethod
    def of(cls, errors: Sequence[FieldError]) -> InvalidInput:
        """All that is wrong; the sentence tells of the first three, each with its field."""
        return cls(" ".join(error.named for error in errors[:3]), errors=errors)


class NotAuthenticated(TaasError):
    """Nobody is logged in, or the token is unknown, expired or revoked."""

    status = 401
    code = "not_authenticated"
    title = "Log in first"


class NotAllowed(TaasError):
    """The person is known but may not do this."""

    status = 403
    code = "not_allowed"
    title = "Not allowed"


class NotFound(TaasError):
    """There is no such thing, or the person may not know of it."""

    status = 404
    code = "not_found"
    title = "Not found"


class Gone(TaasError):
    """It was there and has been removed."""

    status = 410
    code = "gone"
    title = "Gone"


class Conflict(TaasError):
    """The request contradicts the present state, such as a name that is taken."""

    status = 409
    code = "conflict"
    title = "Conflict"


class PreconditionFailed(TaasError):
    """If-Match names an older revision than the present one."""

    status = 412
    code = "precondition_failed"
    title = "Changed in the meantime"


class TooLarge(TaasError):
    """A body or a part of it is over its limit."""

    status = 413
    code = "too_large"
    title = "Too large"


class PreconditionRequired(TaasError):
    """A change needs If-Match, so that nobody's edit is lost unseen."""

    status = 428
    code = "precondition_required"
    title = "If-Match is required"


class TooManyRequests(TaasError):
    """Throttled; `retry_after` is in seconds."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(TaasError):
    """Something TaaS depends on does not answer now; trying later may work."""

    status = 503
    code = "unavailable"
    title = "Unavailable"


class ClusterError(Unavailable):
    """Kubernetes refused or did not answer.

    `http_status` is the API server's own status (None when it did not answer), `reason` its machine-readable word
    (such as `AlreadyExists`), `retry_after` its wish in seconds.
    """

    code = "cluster_error"
    title = "The cluster did not do it"

    def __init__(
        self, detail: str, *, http_status: int | None = None, reason: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.http_status = http_status
        self.reason = reason
        self.retry_after = retry_after
