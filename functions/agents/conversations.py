"""What a turn does to its conversation's document, pure: who may speak, what is remembered of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from functions.agents.models import Ask, Exchange
from functions.shared.errors import Conflict, NotFound, TooMany

HISTORY_BYTES = 24_000
"""How much of the latest turns goes into the prompt, and so is kept on the conversation. A turn's highest price counts
it in full, so it is well below what the document could hold."""


def check_free(conversation: Mapping[str, Any], ask: Ask, now: datetime) -> None:
    """A conversation has one turn at a time. Raises Conflict while another, or this very one, is being answered."""
    for turn, expires_at in (conversation.get("running") or {}).items():
        if expires_at <= now:
            continue
        if turn == ask.turn_id:
            raise in_progress()
        raise Conflict(
            "Another turn of this conversation is being answered. Wait for its end, then send this one again.",
            code="conversation_busy",
            headers={"Retry-After": "1"},
        )


def in_progress() -> Conflict:
    """What a repeat gets while its turn is being answered."""
    return Conflict(
        "This turn is being answered. Ask again with the same key for its answer.",
        code="turn_in_progress",
        headers={"Retry-After": "1"},
    )


def check_owner(conversation: Mapping[str, Any], exists: bool, ask: Ask) -> None:
    """Raises NotFound for a conversation that is not there or not the caller's with this agent."""
    if not exists:
        if not ask.may_open:
            raise NotFound("There is no such conversation. Leave out conversation_id to begin one.")
        return
    if conversation.get("owner") != ask.owner or conversation.get("agent_id") != ask.agent_id:
        raise NotFound("There is no such conversation. Leave out conversation_id to begin one.")


def waits(conversation: Mapping[str, Any]) -> bool:
    """Whether a person was asked for who has not finished yet."""
    return (conversation.get("hand_off") or {}).get("state") in ("waiting", "taken")


def pace(conversation: Mapping[str, Any], turns_per_hour: int, now: datetime) -> dict[str, Any]:
    """The counter of this hour's turns with this turn in it. Raises TooMany with the seconds left in the hour."""
    hour = now.strftime("%Y-%m-%dT%H")
    known = conversation.get("pace") or {}
    turns = known.get("turns", 0) if known.get("hour") == hour else 0
    if turns >= turns_per_hour:
        raise TooMany(
            "That were many messages in a short time. Please wait a little.",
            retry_after=3600 - int(now.timestamp()) % 3600,
            code="pace",
        )
    return {"hour": hour, "turns": turns + 1}


def remembered(history: Iterable[Exchange], message: str = "", answer: str = "") -> list[Exchange]:
    """The latest exchanges, with a new one at the end if there is an answer, that fit into HISTORY_BYTES."""
    exchanges = list(history)
    # Models refuse a history with a blank message in it.
    if answer.strip():
        exchanges.append({"message": message, "answer": answer})
    kept: list[Exchange] = []
    size = 0
    for exchange in reversed(exchanges):
        size += len(exchange["message"].encode()) + len(exchange["answer"].encode())
        if size > HISTORY_BYTES:
            break
        kept.append(exchange)
    return kept[::-1]


def title(message: str) -> str:
    """The first words of a conversation, for lists."""
    line = " ".join(message.split())
    return line if len(line) <= 80 else line[:79].rstrip() + "…"
