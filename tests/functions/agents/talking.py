"""What tests of the conversation need: an agent with knowledge, a widget, callers, and a model that does as it is told."""

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from functions.agents import admission, chat_routes, repository
from functions.agents.chunking import Source, chunks
from functions.agents.index import encode
from functions.agents.models import Agent, Ask, Definition, KnowledgeState
from functions.agents.providers import (
    Finished,
    ModelRequest,
    ModelTimeout,
    ModelUnavailable,
    StreamItem,
    TextDelta,
    Usage,
    UsageReport,
)
from functions.agents.providers.attempts import Cancellation
from functions.agents.turns import Turn
from functions.shared import clock, contracts, events, firestore, ids
from functions.shared.http import Call, Event, Reply, Stream
from functions.shared.identity import Caller, WorkspaceId
from tests.cloud import Cloud

ORIGIN = "https://shop.example"
HOURS = Source("kno_hours", "Opening hours", "text", "We are open from Monday to Friday, 9 am to 6 pm.")
USAGE = Usage(100, 20, 10, 0)
ANSWER: tuple[StreamItem, ...] = (TextDelta("Good "), TextDelta("day."), UsageReport(USAGE), Finished("stop"))
OFFLINE = {"provider": "offline", "id": "offline-extractive"}

Step = StreamItem | Exception | Callable[[], object]


class Wait:
    """A step at which the model is silent until it is released, or until its caller cancels."""

    def __init__(self) -> None:
        self.reached, self.released = threading.Event(), threading.Event()

    def pause(self, cancellation: Cancellation | None) -> None:
        if cancellation is not None:
            cancellation.attach(self.released.set)
        self.reached.set()
        assert self.released.wait(30)
        if cancellation is not None:
            cancellation.attach(None)
            cancellation.pause(0)


class Scripted:
    """A provider that gives these steps: items, exceptions to raise, functions to call, silences."""

    def __init__(self, *steps: Step | Wait) -> None:
        self.steps = steps or ANSWER
        self.requests: list[ModelRequest] = []

    def __call__(self, name: str) -> "Scripted":
        return self

    def stream(
        self, request: ModelRequest, deadline: float, cancellation: Cancellation | None = None
    ) -> Generator[StreamItem, None, None]:
        self.requests.append(request)
        for step in self.steps:
            if isinstance(step, Wait):
                step.pause(cancellation)
            elif isinstance(step, Exception):
                raise step
            elif callable(step):
                step()
            else:
                yield step

    def embed(self, texts: Sequence[str], model: str, deadline: float, purpose: Any = "document") -> list[list[float]]:
        raise ModelUnavailable("no vectors here")

    def count_tokens(self, request: ModelRequest, deadline: float) -> int:
        return 0


class Deaf(Scripted):
    """One that no cancellation reaches, such as a connection that has no answer yet."""

    def stream(
        self, request: ModelRequest, deadline: float, cancellation: Cancellation | None = None
    ) -> Generator[StreamItem, None, None]:
        yield from super().stream(request, deadline, None)
        raise ModelTimeout("too late")


def write(path: str, data: dict[str, Any]) -> None:
    batch = firestore.Batch()
    batch.set(path, data)
    batch.commit()


def an_agent(
    workspace: WorkspaceId,
    *,
    status: str = "active",
    published: bool = True,
    knowledge: tuple[Source, ...] = (),
    model: dict[str, Any] | None = None,
    **definition: Any,
) -> str:
    """An agent in the fleet, published unless said otherwise."""
    agent = ids.new("agent")
    chosen = Definition(name="Ada", model=model or OFFLINE, **definition)
    document = {
        "name": "Ada",
        "industry": "general",
        "model": "offline-extractive",
        "draft": chosen.model_dump(mode="json"),
        "published": chosen.model_dump(mode="json") if published else None,
        "published_prompt": "You are Ada." if published else "",
        "published_version": ids.new("version") if published else None,
        "knowledge": know(workspace, agent, knowledge).model_dump(),
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }
    write(repository.agent_path(workspace, agent), document)
    write(contracts.path(workspace, "fleet", agent), {"status": status, "deleted_at": None})
    return agent


def know(workspace: WorkspaceId, agent: str, sources: tuple[Source, ...]) -> KnowledgeState:
    """Store an index of these sources; words only, which is enough to find something."""
    if not sources:
        return KnowledgeState()
    parts = encode(chunks(sources), None, "wordllama-256")
    revision = ids.secret(6)
    for path, data in zip(repository.index_paths(workspace, agent, revision, len(parts)), parts, strict=True):
        write(path, {"bytes": data})
    return KnowledgeState(
        revision=revision,
        parts=len(parts),
        items=len(sources),
        embedding_provider="offline",
        embedding_model="wordllama-256",
    )


def a_widget(workspace: WorkspaceId, agent: str, **fields: Any) -> str:
    widget = ids.new("widget")
    write(
        contracts.path(workspace, "widgets", widget),
        {"agent_id": agent, "name": "Shop", "allowed_origins": [ORIGIN], "turns_per_hour": 30, **fields},
    )
    return widget


def stored_agent(workspace: WorkspaceId, agent: str) -> Agent:
    return Agent.model_validate(firestore.get(repository.agent_path(workspace, agent)).data)


class Visitor:
    """A visitor's session in a widget, as its token says."""

    def __init__(self, cloud: Cloud, workspace: WorkspaceId, agent: str, widget: str | None = None) -> None:
        self.cloud, self.workspace, self.agent = cloud, workspace, agent
        self.widget = widget or a_widget(workspace, agent)
        self.session, self.subject = ids.new("session"), ids.new("visitor")
        self.conversation = ids.conversation_of(f"session:{self.session}")

    def call(self, key: str | None = None, *, stream: bool = False, **principal: Any) -> Call:
        claims = {
            "subject": self.subject,
            "widget": self.widget,
            "agent": self.agent,
            "session": self.session,
            "origin": ORIGIN,
            "new_visitor": True,
            **principal,
        }
        call = self.cloud.call(self.workspace, kind=Caller.VISITOR, key=key, **claims)
        return replace(call, wants_stream=stream)

    def ask(self, message: str = "When are you open?", *, key: str | None = None, **fields: Any) -> Ask:
        """The same turn as the route would make it, for `admission.admit` with a model of the test's own."""
        call = self.call(key)
        given: dict[str, Any] = {
            "turn_id": ids.turn(call.principal.caller, call.idempotency_key or ""),
            "agent_id": self.agent,
            "channel": "widget",
            "message": message,
            "conversation_id": self.conversation,
            "may_open": True,
            "widget_id": self.widget,
            "visitor_id": self.subject,
            "session_id": self.session,
            "origin": ORIGIN,
            "new_visitor": True,
            "owner": call.principal.caller,
            "asked_at": call.now,
        }
        return Ask(**{**given, **fields})

    def begin(self, provider: Scripted | None = None, message: str = "When are you open?", **fields: Any) -> Turn:
        turn = admission.admit(self.workspace, self.ask(message, **fields), provider or Scripted())
        assert isinstance(turn, Turn)
        return turn

    def turn(self, provider: Scripted | None = None, message: str = "When are you open?", **fields: Any) -> list[Event]:
        """One turn to its end."""
        return list(self.begin(provider, message, **fields).events())

    def say(self, message: str, *, key: str | None = None, stream: bool = False) -> Any:
        """One turn through the route: a TurnAnswer, or the list of events."""
        body = chat_routes.VisitorTurn(message=message)
        return outcome(chat_routes.chat(self.call(key, stream=stream), body))

    def home(self) -> dict[str, Any]:
        return firestore.get(repository.conversation_path(self.workspace, self.conversation)).data

    def turns(self) -> list[dict[str, Any]]:
        return [turn.data for turn in repository.turns(self.workspace, self.conversation)]


def outcome(answer: Any) -> Any:
    if isinstance(answer, Stream):
        return list(answer.events)
    assert isinstance(answer, Reply)
    return answer.body


def named(found: list[Event], name: str) -> list[dict[str, Any]]:
    return [dict(event.data) for event in found if event.name == name]  # type: ignore[arg-type]


def text_of(found: list[Event]) -> str:
    return "".join(data["text"] for data in named(found, "delta"))


def usage_events(workspace: WorkspaceId) -> list[dict[str, Any]]:
    """The usage events of a workspace, also of turns that began before midnight."""
    days = {clock.day_of(clock.now() - timedelta(days=number)) for number in (0, 1)}
    return [event.row for day in days for event in events.of_day(workspace, day)]


def spend_of(workspace: WorkspaceId) -> dict[str, Any]:
    return firestore.get(contracts.path(workspace, "spend", clock.month_of(clock.now()))).data


def everything_adds_up(workspace: WorkspaceId, *visitors: Visitor) -> int:
    """Σ turns = Σ events = spent, in nanos; returns it."""
    turns = sum(turn["charge_nanos"] for visitor in visitors for turn in visitor.turns())
    charged = sum(row["charge_nanos"] for row in usage_events(workspace))
    spend = spend_of(workspace)
    assert turns == charged == spend.get("spent_nanos", 0) == sum(spend.get("spent_by_agent", {}).values())
    assert sum(row["cost_nanos"] for row in usage_events(workspace)) == spend.get("cost_nanos", 0)
    return charged


def long_ago(moment: datetime | None = None) -> datetime:
    """A time whose hold is dead by now."""
    return (moment or clock.now()) - admission.HOLD_LIFE - timedelta(seconds=1)
