"""What a caller is told of a turn: the events of its answer, and the problem of a turn that has none.

A turn tells the same when it is answered and at every repeat of its key.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from functions.shared import contracts
from functions.shared.contracts import TurnRead
from functions.shared.errors import Invalid, Problem, Unavailable
from functions.shared.http import Event


@dataclass(frozen=True)
class Answered:
    """The turn was answered before; this is its answer."""

    turn_id: str
    conversation_id: str
    turn: TurnRead


@dataclass(frozen=True)
class Ended:
    """The turn ended before without an answer; this is why."""

    turn_id: str
    conversation_id: str
    problem: Problem


def problem_of(code: str) -> Problem:
    """Why a turn has no answer, the same at every repeat: the turn's `error_code` says which."""
    match code:
        case "model_refused":
            return Invalid("The model declined to answer this. Ask in another way.", code=code)
        case "model_timeout":
            why, wait = "The model took too long.", 2
        case "model_interrupted":
            why, wait = "The model broke off.", 2
        case "model_unavailable":
            why, wait = "The model cannot be reached at this moment.", 5
        case "turn_lost" | "not_stored":
            why, wait = "This turn broke off and its answer could not be kept.", 2
        case "caller_left":
            return Unavailable("The connection broke before the answer began. Send it again with a new key.", code=code)
        case "internal":
            return Problem("We have noted it. Send the message again, with a new key.")
        case _:
            why, wait, code = "Not available at this moment.", 2, code or "unavailable"
    return Unavailable(f"{why} Nothing is charged; send it again with a new key.", code=code, retry_after=wait)


def start(turn_id: str, conversation_id: str) -> Event:
    """The first event: the names of what begins."""
    return Event("start", {"turn_id": turn_id, "conversation_id": conversation_id})


def repeated(found: Answered | Ended) -> Iterator[Event]:
    """The events of a turn that was answered before. Raises the Problem of one that ended without an answer."""
    yield start(found.turn_id, found.conversation_id)
    if isinstance(found, Ended):
        raise found.problem
    yield from told(found.turn)
    yield done(found)


def told(turn: TurnRead, *, after_text: bool = False) -> Iterator[Event]:
    """The events of an answer that is known: its text unless that was streamed already, sources, actions, usage."""
    if not after_text:
        yield Event("delta", {"text": turn.answer})
    if turn.sources:
        sources = [{"number": s.number, "title": s.title, "item_id": s.item_id} for s in turn.sources]
        yield Event("sources", {"sources": sources})
    for action in turn.actions:
        yield Event("action", {"type": action})
    yield Event("usage", {name: getattr(turn, name) for name in contracts.BUCKETS} | {"estimated": turn.estimated})


def done(answered: Answered) -> Event:
    """The last event: the answer is stored and its usage is published."""
    return Event(
        "done",
        {
            "turn_id": answered.turn_id,
            "message_id": answered.turn.message_id,
            "conversation_id": answered.conversation_id,
            "outcome": answered.turn.outcome,
        },
    )
