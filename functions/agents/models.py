"""The nouns of the agents' room: an agent's definition, which is also its YAML, and what is stored of an agent."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from functions.shared import clock
from functions.shared.contracts import Channel

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Lines = Annotated[tuple[Line, ...], Field(max_length=30)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Tone = Literal["friendly", "professional", "warm", "concise", "formal", "playful", "calm"]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]

Span = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
    Field(description="From when to when, as 09:00-12:30; one that ends earlier than it begins goes past midnight."),
]
Spans = Annotated[tuple[Span, ...], Field(max_length=6)]


def _zone(name: str) -> str:
    if not clock.is_time_zone(name):
        raise ValueError("not a time zone of the IANA database, such as Europe/Berlin")
    return name


class Part(BaseModel):
    """Base of the definition's parts: frozen, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Hours(Part):
    """When a person can be reached, by weekday; a day without a span is closed."""

    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)]
    monday: Spans = ()
    tuesday: Spans = ()
    wednesday: Spans = ()
    thursday: Spans = ()
    friday: Spans = ()
    saturday: Spans = ()
    sunday: Spans = ()


class Business(Part):
    """Whom the agent speaks for."""

    name: str = Field(default="", max_length=120)
    description: str = Field(default="", max_length=2000)
    contact: str = Field(default="", max_length=500, description="How people reach the business.")
    opening_hours: str = Field(default="", max_length=500, description="In words, for the agent to tell.")
    hours: Hours | None = Field(default=None, description="When a person can be reached; absent: always.")


class HandOff(Part):
    """When and how a person takes over."""

    enabled: bool = True
    triggers: Lines = ()
    message: str = Field(
        default="I will ask a colleague to take over. They will get back to you.", min_length=1, max_length=600
    )
    away_message: str = Field(
        default="We are closed at the moment. Your request is noted, and a colleague gets back to you when we are open.",
        min_length=1,
        max_length=600,
        description="Said instead of the message outside the business's hours.",
    )


class Leads(Part):
    """Whether the agent may ask for contact details, when, and with which words."""

    enabled: bool = False
    triggers: Lines = ()
    message: str = Field(
        default="Please leave your details below, and we will get back to you.", min_length=1, max_length=600
    )


class FallbackModel(Part):
    """Which model answers when the chosen one cannot be reached."""

    provider: str = Field(min_length=1, max_length=40)
    id: str = Field(min_length=1, max_length=120)


class ModelChoice(Part):
    """Which model answers, and how."""

    provider: str = Field(min_length=1, max_length=40)
    id: str = Field(min_length=1, max_length=120)
    temperature: float | None = Field(default=None, ge=0, le=2, description="Only sent to models that accept it.")
    thinking: str | None = Field(default=None, max_length=20)
    max_output_tokens: int = Field(default=512, ge=16, le=8192)
    fallback: FallbackModel | None = Field(
        default=None, description="Answers when the model cannot be reached before its first word."
    )


class KnowledgeUse(Part):
    """How the agent uses what it knows."""

    passages: int = Field(default=4, ge=0, le=8, description="How many passages a question may bring along.")


class Definition(Part):
    """Everything that makes an agent, as the wizard fills it and the YAML file writes it."""

    schema_version: Literal[1] = 1
    name: Name
    industry: str = Field(default="general", max_length=40)
    business: Business = Business()
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=20)] = ("en",)
    tone: Tone = "friendly"
    goals: Lines = ()
    must_do: Lines = ()
    must_not_do: Lines = ()
    notice: str = Field(default="", max_length=1000, description="Notice on regulated advice.")
    greeting: str = Field(default="Hello! How can I help you?", min_length=1, max_length=600)
    sample_questions: Annotated[tuple[Line, ...], Field(max_length=8)] = ()
    away_message: str = Field(
        default="We are not available in this chat at the moment. Please come back later.", min_length=1, max_length=600
    )
    hand_off: HandOff = HandOff()
    leads: Leads = Leads()
    knowledge: KnowledgeUse = KnowledgeUse()
    instructions: str = Field(default="", max_length=6000, description="Anything else the agent should know or do.")
    model: ModelChoice


class KnowledgeState(BaseModel):
    """What an agent's document says of its knowledge: which index serves, and what it was made of."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    revision: str = ""
    parts: int = 0
    items: int = 0
    passages: int = 0
    embedding_provider: str = ""
    embedding_model: str = ""


class CheckState(BaseModel):
    """What an agent's document says of its test cases, so that publishing need not read them.

    `count` and `cases` (a digest) are written with the cases; the rest by the run that ended last: what it judged
    (`check_rules.digest`), and how many cases failed or did not run on the draft.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    count: int = 0
    cases: str = ""
    digest: str = ""
    run: str | None = None
    failing: int = 0
    not_run: int = 0


class Agent(BaseModel):
    """`workspaces/{workspace}/agents/{agent}` as its owner sees it."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    name: str
    industry: str
    model: str
    draft: Definition
    draft_yaml: str = ""
    published: Definition | None = None
    published_prompt: str = ""
    published_version: str | None = None
    published_number: int = 0
    published_name: str | None = None
    knowledge: KnowledgeState = KnowledgeState()
    checks: CheckState = CheckState()
    created_at: datetime
    updated_at: datetime


class Ask(BaseModel):
    """One turn as it is asked for, from whichever door."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, defer_build=True, hide_input_in_errors=True)

    turn_id: str
    agent_id: str
    channel: Channel
    message: str
    conversation_id: str
    may_open: bool
    """Whether the conversation may be new; a conversation that the caller named must exist."""
    draft: bool = False
    locale: str | None = None
    page_url: str | None = None
    widget_id: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    origin: str | None = None
    new_visitor: bool = False
    owner: str = ""
    """Whose conversation it is: the caller that opened it; another caller of the same kind does not find it."""
    trace_id: str = ""
    asked_at: datetime
    deadline_seconds: float = 110.0


Exchange = dict[str, Any]
"""One earlier turn as the conversation keeps it for the prompt: {"message": …, "answer": …}."""
