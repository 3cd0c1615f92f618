"""What handlers take and give: bases for bodies, queries and answers, and the wrappers around them."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from functions.shared.errors import Invalid

T = TypeVar("T")


class Body(BaseModel):
    """Base of request bodies: unknown fields are refused and nothing is guessed ("1" is no number)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Query(BaseModel):
    """Base of query parameters: they are text, so numbers and booleans are read from it; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Page(Query):
    """Query of a list; subclass it to add filters."""

    page_size: int = Field(default=20, ge=1, le=100, description="How many items at most.")
    page_token: str | None = Field(default=None, max_length=2000, description="`next_page_token` of the page before.")


class Answer(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Items(Answer, Generic[T]):
    """A page of a list; `next_page_token` is null on the last one."""

    items: list[T]
    next_page_token: str | None = None


def page_token(*values: Any) -> str:
    """An opaque token that holds JSON values, such as the sort value and the path of the last item."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def page_values(token: str | None, count: int) -> tuple[Any, ...] | None:
    """The values of a token of `count` values, None for the first page. Raises Invalid for anything not made by us.

    A token is text from outside: the caller checks that a path in it lies in the caller's workspace.
    """
    if token is None:
        return None
    try:
        values = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        values = None
    if not isinstance(values, list) or len(values) != count:
        raise Invalid(errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}])
    return tuple(values)


@dataclass(frozen=True, slots=True)
class Raw:
    """A request body that is not JSON, as it came; the route's `accepts` names the content types it takes."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Json:
    """A request body that is any JSON: an envelope or a webhook, whose form its own reader checks."""

    value: Any


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """An answer with more to say: another status, headers, an etag (as `firestore.Snapshot.etag`, without quotes)."""

    body: T
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Bytes:
    """An answer that is not JSON: a file, YAML, a picture."""

    content: bytes
    media_type: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event; `data` is a model or JSON."""

    name: str
    data: BaseModel | Mapping[str, Any]
    id: str | None = None

    def encode(self) -> bytes:
        """The event as it goes over the wire."""
        if isinstance(self.data, BaseModel):
            text = self.data.model_dump_json()
        else:
            text = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        head = f"id: {self.id}\n" if self.id is not None else ""
        return f"{head}event: {self.name}\ndata: {text}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Stream:
    """Server-sent events. The generator runs in a thread of its own, always at least to its first `yield`.

    When the client leaves, `cancel` is called (from another thread: close the model's connection there) and the
    generator is closed: its `finally` runs at once, and the request ends only after it.
    """

    events: Iterator[Event]
    cancel: Callable[[], None] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
