"""The nouns of the widgets' room: a widget as its owner sets it up, its public part, and a visitor's session."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from functions.shared.http import Answer, Body

MAX_ORIGINS = 50
MAX_CUSTOM = 3
SESSIONS_PER_MINUTE = 1200
SESSIONS_PER_ADDRESS = 60

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
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


Words = Annotated[str | None, Field(max_length=200)]
Languages = Annotated[list[Locale], Field(min_length=1, max_length=20), AfterValidator(_once)]


ThemeName = Literal["paper", "ocean", "forest", "clay", "plum", "contrast"]
LANGUAGES = ("en", "ar", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "sv", "tr", "zh")
"""The languages in which the script has words of its own (web/widget/src/texts)."""


class Theme(Body):
    """How the widget looks; what is absent is the named theme's own."""

    name: ThemeName = "paper"
    accent: Colour | None = None
    accent_dark: Colour | None = Field(default=None, description="Absent: `accent`, lightened where it must be.")
    bubble: Colour | None = None
    bubble_dark: Colour | None = None
    radius: int | None = Field(default=None, ge=0, le=28)
    font: Literal["system", "serif", "rounded", "mono"] = "system"
    mode: Literal["auto", "light", "dark"] = "auto"
    position: Literal["end", "start"] = "end"


class ContrastWarning(Answer):
    """A chosen colour that is hard to read where it stands; the widget shows `nearest` in its place."""

    pointer: str
    scheme: Literal["light", "dark"]
    chosen: str
    on: str
    ratio: float
    least: float
    nearest: str
    message: str


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
    phone: Words = None
    optional: Words = None
    consent: str | None = Field(default=None, max_length=600, description="Kept with what a visitor leaves, verbatim.")
    rate: Words = None
    stars: Words = None
    remark: Words = None
    proactive: str | None = Field(default=None, max_length=300)
    dismiss: Words = None


FieldKind = Literal["name", "email", "phone", "custom"]


class PreChatField(Body):
    """One field of the form before the first message; a custom one says in `labels` what it asks for, by language."""

    kind: FieldKind
    required: bool = False
    labels: Annotated[dict[Locale, Label], Field(max_length=20)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.kind == "custom" and not self.labels:
            raise ValueError("a custom field needs a label in at least one language")
        return self


class PreChat(Body):
    """What a visitor is asked before the first message. The text of the consent is `texts.{locale}.consent`."""

    fields: Annotated[list[PreChatField], Field(min_length=1, max_length=3 + MAX_CUSTOM)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        kinds = [field.kind for field in self.fields]
        if any(kinds.count(kind) > 1 for kind in kinds if kind != "custom"):
            raise ValueError("name, email and phone are asked for once")
        if kinds.count("custom") > MAX_CUSTOM:
            raise ValueError(f"at most {MAX_CUSTOM} custom fields")
        return self


class Proactive(Body):
    """When the closed widget says something by itself, once a session: after a time or a share of the page, or the first
    of both. What it says is `texts.{locale}.proactive`.
    """

    after_seconds: int | None = Field(default=None, ge=1, le=3600)
    scroll_percent: int | None = Field(default=None, ge=1, le=100)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.after_seconds is None and self.scroll_percent is None:
            raise ValueError("give after_seconds, scroll_percent or both")
        return self


class WidgetFields(Body):
    """What an owner decides about a widget."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)] = "Website chat"
    allowed_origins: Origins = Field(
        default_factory=list, description="Pages of these origins may open the chat; none means nobody."
    )
    theme: Theme = Theme()
    texts: Annotated[dict[Locale, Texts], Field(max_length=20)] = Field(default_factory=dict)
    default_locale: Locale = Field(default="en", description="For visitors whose languages are not offered.")
    languages: Languages | None = Field(
        default=None, description="What visitors may meet the chat in. Absent: the languages of the published agent."
    )
    suggested_questions: Annotated[list[Line], Field(max_length=4)] | None = Field(
        default=None, description="Absent: the agent's own sample questions."
    )
    feedback: bool = Field(default=True, description="Thumbs under each answer.")
    rating: bool = Field(default=True, description="One to five stars for the whole conversation.")
    hand_off: bool = True
    pre_chat: PreChat | None = None
    proactive: Proactive | None = None
    turns_per_hour: int = Field(default=30, ge=1, le=600, description="For one visitor's session.")
    sessions_per_minute: int = Field(
        default=SESSIONS_PER_MINUTE, ge=1, le=SESSIONS_PER_MINUTE, description="Of this widget, in each instance."
    )
    sessions_per_address: int = Field(
        default=SESSIONS_PER_ADDRESS, ge=1, le=SESSIONS_PER_ADDRESS, description="A minute, from one address or /64."
    )
    identity_required: bool = Field(default=False, description="Only visitors whom the site has signed for.")


class NewWidget(WidgetFields):
    """A widget of an agent."""

    agent_id: str = Field(max_length=60)


class WidgetChange(Body):
    """What may be changed later; absent fields stay, and null ones but those in NULLABLE. Parts are replaced whole."""

    agent_id: str | None = Field(default=None, max_length=60)
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)] | None = None
    allowed_origins: Origins | None = None
    theme: Theme | None = None
    texts: Annotated[dict[Locale, Texts], Field(max_length=20)] | None = None
    default_locale: Locale | None = None
    languages: Languages | None = None
    suggested_questions: Annotated[list[Line], Field(max_length=4)] | None = None
    feedback: bool | None = None
    rating: bool | None = None
    hand_off: bool | None = None
    pre_chat: PreChat | None = None
    proactive: Proactive | None = None
    turns_per_hour: int | None = Field(default=None, ge=1, le=600)
    sessions_per_minute: int | None = Field(default=None, ge=1, le=SESSIONS_PER_MINUTE)
    sessions_per_address: int | None = Field(default=None, ge=1, le=SESSIONS_PER_ADDRESS)
    identity_required: bool | None = None


NULLABLE = frozenset({"languages", "suggested_questions", "pre_chat", "proactive"})
"""The fields in which null says something: the agent's own, or none."""


class IdentityKey(Answer):
    """A secret with which the site may sign for its visitors; `ends_at` is null for the newest one."""

    id: str
    created_at: datetime
    ends_at: datetime | None = None


class Widget(Answer):
    """A widget as its owner sees it."""

    id: str
    agent_id: str
    name: str
    allowed_origins: list[str]
    theme: Theme
    texts: dict[str, Texts]
    default_locale: str
    languages: list[str] | None = None
    suggested_questions: list[str] | None
    feedback: bool
    rating: bool = True
    hand_off: bool
    pre_chat: PreChat | None = None
    proactive: Proactive | None = None
    turns_per_hour: int
    sessions_per_minute: int = SESSIONS_PER_MINUTE
    sessions_per_address: int = SESSIONS_PER_ADDRESS
    identity_required: bool = False
    identity_keys: list[IdentityKey] = Field(default_factory=list)
    avatar_url: str | None = None
    warnings: list[ContrastWarning] = Field(default_factory=list)
    created_at: datetime
    updated_at: datetime


class WidgetUse(Answer):
    """When visitors last talked to a widget; null: never, as far as is kept."""

    last_conversation_at: datetime | None


class ListedWidget(Widget):
    """A widget in the list."""

    use: WidgetUse | None = Field(default=None, description="Null unless the list was asked with `use=true`.")


class WidgetPreview(Answer):
    """What visitors would get: the public file, for the real script on the console's own page."""

    public: dict[str, Any]
    warnings: list[ContrastWarning]


class VisitorId(Answer):
    """Which visitor a user of the site is."""

    visitor_id: str


class IdentityRotation(Body):
    """How long the present secret still counts beside the new one; 0 when it has leaked."""

    overlap_hours: int = Field(default=24, ge=0, le=720)


class IdentitySecret(Answer):
    """The new secret, shown this once: sign with HS256, name `id` as `kid`. Keep it on your server, never in a page."""

    id: str
    secret: str
    keys: list[IdentityKey]


class Snippet(Answer):
    """Where the tag goes on a kind of site, and the policy lines that it needs there."""

    kind: Literal["html", "wordpress", "shopify", "react", "tag_manager", "pinned"]
    title: str
    code: str
    content_security_policy: list[str]
    note: str | None = None


class Embed(Answer):
    """What to put into a site: one async script tag, and what a strict content security policy must allow."""

    script: str
    content_security_policy: list[str]
    snippets: list[Snippet]
    note: str


class SessionRequest(Body):
    """A session begins, or goes on by showing its token as bearer; `visitor` is an older token of the same person."""

    visitor: str | None = Field(default=None, max_length=4000)
    identity: str | None = Field(default=None, max_length=4000, description="A JWT that the site's server has signed.")


class Session(Answer):
    """A visitor's session; the token is for the chat routes alone."""

    token: str
    expires_at: datetime
    session_id: str
    visitor_id: str
