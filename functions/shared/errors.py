"""The problems that a caller may see, each with its status, its code and what to do about it.

A handler raises one of these; the HTTP edge turns it into RFC 9457 problem+json. Nothing else that is raised reaches a
caller in words: an unknown exception becomes a bare 500. `detail` is written for the reader and never holds a secret, a
stack trace or the text of another exception.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class Problem(Exception):
    """One answer that is an error. `code` is stable for programs, `detail` says what to do."""

    status = 500
    code = "internal"
    title = "Something went wrong on our side"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.code = code or self.code
        self.errors = tuple(dict(error) for error in errors)
        self.headers = dict(headers or {})

    def body(self, request_id: str) -> dict[str, Any]:
        """The problem+json members (RFC 9457, section 3), with ours: code, request_id, errors."""
        members: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "code": self.code,
            "request_id": request_id,
        }
        if self.errors:
            members["errors"] = list(self.errors)
        return members


class Malformed(Problem):
    """The request cannot be read at all."""

    status, code, title = 400, "malformed", "The request cannot be read"


class Unauthenticated(Problem):
    """Nobody we know is calling."""

    status, code, title = 401, "unauthenticated", "Sign in first"


class CapReached(Problem):
    """What has been spent leaves no room under the cap for this turn (MONEY 9)."""

    status, code, title = 402, "cap_reached", "The spending cap is reached"


class Forbidden(Problem):
    """The caller is known and may not do this."""

    status, code, title = 403, "forbidden", "You may not do this"


class NotFound(Problem):
    """It does not exist, or it is another workspace's: the answer is the same."""

    status, code, title = 404, "not_found", "There is nothing here"


class Conflict(Problem):
    """The state of things does not allow this now."""

    status, code, title = 409, "conflict", "This does not fit the present state"


class Stale(Problem):
    """The resource has changed since its ETag was read."""

    status, code, title = 412, "stale", "It has changed in the meantime"


class TooLarge(Problem):
    """The request is larger than the route takes."""

    status, code, title = 413, "too_large", "The request is too large"


class Invalid(Problem):
    """The request is readable and wrong; `errors` holds a JSON pointer and a message for each fault."""

    status, code, title = 422, "invalid", "Some values are not valid"

    def __init__(self, detail: str = "", *, code: str | None = None, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(detail or _first(errors), code=code, errors=errors)


class EtagRequired(Problem):
    """A write to a resource came without If-Match."""

    status, code, title = 428, "etag_required", "Send the ETag you read as If-Match"


class TooMany(Problem):
    """The caller is faster than its pace allows; `Retry-After` in seconds says when to come again."""

    status, code, title = 429, "too_many", "Too many requests"

    def __init__(self, detail: str = "", *, retry_after: int, code: str | None = None) -> None:
        super().__init__(detail, code=code, headers={"Retry-After": str(max(1, retry_after))})


class Unavailable(Problem):
    """It would work a little later; `Retry-After` in seconds says when."""

    status, code, title = 503, "unavailable", "Not available at this moment"

    def __init__(self, detail: str = "", *, retry_after: int = 1, code: str | None = None) -> None:
        super().__init__(detail, code=code, headers={"Retry-After": str(max(1, retry_after))})


def _first(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first fault in words, for a reader who shows `detail` alone."""
    if not errors:
        return ""
    where, more = errors[0].get("pointer") or "the whole", len(errors) - 1
    return f"{where}: {errors[0].get('message', '')}" + (f" ({more} more in `errors`)" if more else "")
