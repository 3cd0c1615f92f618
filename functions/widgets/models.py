"""The nouns of the widgets' room: a widget as its owner sets it up, its public part, and a visitor's session."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from functions.shared.http import Answer, Body

MAX_ORIGINS = 50

_ORIGIN = re.compile(r"(https?)://([a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOCAL = ("localhost", "127.0.0.1", "[::1]")


def origin(text: str) -> str:
    """An origin in the form in which browsers send it. Raises ValueError for anything else; plain http only locally."""
    lowered = text.strip().lower().rstrip("/")
    match = _ORIGIN.fullmatch(lowered)
    if match is None:
        raise ValueError("an origin is scheme and host, and a port if it is not the usual one: https://www.example.com")
    scheme, host, port = match[1], match[2], int(match[3][1:]) if match[3] else _DEFAULT_PORTS[match[1]]
    if scheme == "http" and host not in _LOCAL:
        raise ValueError("plain http is for localhost only; use https")
    if not 0 < port < 2**16:
        raise ValueError("a port is a number from 1 to 65535")
    return f"{scheme}://{host}{'' if port == _DEFAULT_PORTS[scheme] else f':{port}'}"


def _once(origins: list[str]) -> list[str]:
    return list(dict.fromkeys(origins))


Origin = Annotated[str, Field(max_length=300), AfterValidator(origin)]
Origins = Annotated[list[Origin], Field(max_length=MAX_ORIGINS), AfterValidator(_once)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


Words = Annotated[str | None, Field(max_length=200)]


class Theme(Body):
    """How the widget looks; what is absent is the named theme's own. The script knows the names (themes.json)."""

    name: Literal["paper", "ocean", "forest", "clay", "plum", "contrast"] = "paper"
    accent: Colour | None = None
    bubble: Colour | None = None
    radius: int | None = Field(default=None, ge=0, le=28)
    mode: Literal["auto", "light", "dark"] = "auto"
    position: Literal["end", "start"] = "end"


class Texts(Body):
    """The widget's words in one language; what is absent is the agent's or the script's own (texts.ts)."""

    greeting: str | None = Field(default=None, max_length=600)
    away: str | None = Field(default=None, max_length=600)
    privacy_notice: str | None = Field(default=None, max_length=1000)
    placeholder: Words = None
    send: Words = None
    open: Words = None
    close: Words = None
    assistant: Words = None
    conversation: Words = None
    you: Words = None
    answering: Words = None
    offline: Words = None
    connecting: Words = None
    busy: Words = None
    failed: Words = None
    retry: Words = None
    error: Words = None
    cut: Words = None
    sources: Words = None
    newer: Words = None
    helpful: Words = None
    unhelpful: Words = None
    comment: Words = None
    thanks: Words = None
    person: Words = None
    note: Words = None
    told: Words = None
    lead: Words = None
    before: Words = None
    name: Words = None
    email: Words = None
    consent: Words = None


class WidgetFields(Body):
    """What an owner decides about a widget."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)] = "Website chat"
    allowed_origins: Origins = Field(
        default_factory=list, description="Pages of these origins may open the chat; none means nobody."
    )
    theme: Theme = Theme()
    texts: Annotated[dict[Locale, Texts], Field(max_length=20)] = Field(default_factory=dict)
    default_locale: Locale = "en"
    suggested_questions: Annotated[list[Line], Field(max_length=4)] | None = Field(
        default=None, description="Absent: the agent's own sample questions."
    )
    feedback: bool = True
    hand_off: bool = True
    turns_per_hour: int = Field(default=30, ge=1, le=600, description="For one visitor's session.")


class NewWidget(WidgetFields):
    """A widget of an agent."""

    agent_id: str = Field(max_length=60)


class WidgetChange(Body):
    """What may be changed later; absent fields stay, and null ones but `suggested_questions`. Parts are replaced whole."""

    agent_id: str | None = Field(default=None, max_length=60)
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)] | None = None
    allowed_origins: Origins | None = None
    theme: Theme | None = None
    texts: Annotated[dict[Locale, Texts], Field(max_length=20)] | None = None
    default_locale: Locale | None = None
    suggested_questions: Annotated[list[Line], Field(max_length=4)] | None = None
    feedback: bool | None = None
    hand_off: bool | None = None
    turns_per_hour: int | None = Field(default=None, ge=1, le=600)


class Widget(Answer):
    """A widget as its owner sees it."""

    id: str
    agent_id: str
    name: str
    allowed_origins: list[str]
    theme: Theme
    texts: dict[str, Texts]
    default_locale: str
    suggested_questions: list[str] | None
    feedback: bool
    hand_off: bool
    turns_per_hour: int
    created_at: datetime
    updated_at: datetime


class Snippet(Answer):
    """Where the tag goes on a kind of site."""

    title: str
    code: str


class Embed(Answer):
    """What to put into a site: one async script tag, and what a strict content security policy must allow."""

    script: str
    content_security_policy: list[str]
    snippets: list[Snippet]
    note: str


class SessionRequest(Body):
    """A session begins, or goes on by showing its token as bearer; `visitor` is an older token of the same person."""

    visitor: str | None = Field(default=None, max_length=4000)


class Session(Answer):
    """A visitor's session; the token is for the chat routes alone."""

    token: str
    expires_at: datetime
    session_id: str
    visitor_id: str
