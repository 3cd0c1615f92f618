"""The nouns of outgoing webhooks as their owners see them: a webhook, its secret once, and what was delivered to it."""

import re
from datetime import datetime
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from functions.shared.http import Answer, Body
from functions.shared.notifications import Kind


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", text):
        raise ValueError("an address that begins with https://, in ASCII without spaces")
    try:
        parts = urlsplit(text)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or "@" in parts.netloc or parts.fragment:
        raise ValueError("an address with a host, and without user, password or fragment")
    return text


def _in_order(types: tuple[Kind, ...]) -> tuple[Kind, ...]:
    return tuple(kind for kind in get_args(Kind) if kind in types)


Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]
Url = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_url)]
Types = Annotated[
    tuple[Kind, ...],
    Field(min_length=1, max_length=20, strict=False, description="Which events it wants."),
    AfterValidator(_in_order),
]


class NewWebhook(Body):
    """Where to send what."""

    url: Url = Field(description="Takes a POST and answers 2xx within 15 seconds; https only.")
    types: Types
    name: Label = ""


class WebhookChange(Body):
    """Absent fields stay. `enabled: true` begins anew after failures."""

    url: Url | None = None
    types: Types | None = None
    name: Label | None = None
    enabled: bool | None = None


class Webhook(Answer):
    """A webhook without its secret. `failing_since` is the first failure after the last success."""

    id: str
    name: str
    url: str
    types: list[str]
    state: Literal["active", "disabled"]
    disabled_reason: Literal["by_hand", "failing", "gone"] | None = None
    failing_since: datetime | None = None
    previous_secret_until: datetime | None = Field(
        default=None, description="Until then every delivery is signed with the secret before the last rotation, too."
    )
    created_at: datetime
    updated_at: datetime


class WebhookWithSecret(Webhook):
    """A webhook with its secret, which is shown once."""

    secret: str


class Attempt(Answer):
    """One request. `error` is a class of reasons; the receiver's words are not kept."""

    at: datetime
    status: int | None = None
    latency_ms: int
    error: str | None = None


class Delivery(Answer):
    """What became of one event at one webhook, without its content. `id` is the event's, and the `webhook-id` sent."""

    id: str
    webhook_id: str
    type: str
    state: Literal["pending", "delivered", "failed"]
    attempts: list[Attempt] = Field(description="The latest ones, the oldest first.")
    reason: str | None = Field(default=None, description="Why it was given up.")
    next_attempt_at: datetime | None = None
    created_at: datetime
    delivered_at: datetime | None = None
