"""What a turn does to its conversation's document, pure: who may speak, what is remembered of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from functions.agents.models import Ask, Exchange
from functions.agents.providers import estimate_tokens
from functions.shared.contracts import Channel, WidgetRead
from functions.shared.errors import Conflict, Forbidden, NotFound, TooMany

HISTORY_BYTES = 24_000
"""How much of the latest turns goes into the prompt, and so is kept on the conversation. A turn's highest price counts
it in full, so it is well below what the document could hold."""

HISTORY_TOKENS = 6_000
"""The most that a prompt may take of the history, by estimate, however much its model could read."""


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


def check_widget(document: Mapping[str, Any], agent_id: str, origin: str | None) -> WidgetRead:
    """The widget of a visitor's call. Raises NotFound when it is gone or another agent's, Forbidden for its origin."""
    widget = WidgetRead.model_validate(document) if document else None
    if widget is None or widget.deleted_at is not None or widget.agent_id != agent_id:
        raise NotFound("This widget does not exist any more.")
    if origin not in widget.allowed_origins:
        raise Forbidden("This page is not among the widget's allowed origins.", code="origin_not_allowed")
    return widget


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


def history_budget(context_tokens: int, beside: int) -> int:
    """How many tokens of history a prompt may hold, when its model reads `context_tokens` and all else takes `beside`.

    Half of what is left, as the estimate of the rest may be wrong; never more than HISTORY_TOKENS.
    """
    return max(0, min(HISTORY_TOKENS, (context_tokens - beside) // 2))


def recalled(history: Iterable[Exchange], budget: int) -> list[Exchange]:
    """The latest exchanges whose estimated tokens are within `budget`, in their order; an exchange is whole or absent."""
    kept: list[Exchange] = []
    for exchange in reversed(list(history)):
        budget -= tokens_of(exchange)
        if budget < 0:
            break
        kept.append(exchange)
    return kept[::-1]


def tokens_of(exchange: Exchange) -> int:
    """The estimated tokens of one exchange."""
    return estimate_tokens(exchange["message"]) + estimate_tokens(exchange["answer"])


def exchanged(conversation: Mapping[str, Any]) -> int:
    """How many of a conversation's turns were answered so far."""
    counted = conversation.get("exchanges")
    return len(conversation.get("history") or ()) if counted is None else int(counted)


def kept_until(moment: datetime, retention_days: int | None) -> datetime | None:
    """When what was said at `moment` expires; None: never."""
    return None if retention_days is None else moment + timedelta(days=retention_days)


def opened(
    *,
    agent_id: str,
    channel: Channel,
    owner: str,
    at: datetime,
    currency: str,
    retention_days: int | None,
    **known: Any,
) -> dict[str, Any]:
    """The document of a conversation as it begins; `known` are its other fields, such as its visitor and its title."""
    return {
        "agent_id": agent_id,
        "channel": channel,
        "owner": owner,
        "title": "",
        "currency": currency,
        "turn_count": 0,
        "exchanges": 0,
        "answered": False,
        "history": [],
        "words": [],
        "handed_off": False,
        "resolved": False,
        "created_at": at,
        "updated_at": at,
        # What the sweep finds when the workspace's retention is another one by then.
        "kept_days": retention_days or 0,
        **({} if retention_days is None else {"expire_at": kept_until(at, retention_days)}),
        **known,
    }


def title(message: str) -> str:
    """The first words of a conversation, for lists."""
    line = " ".join(message.split())
    return line if len(line) <= 80 else line[:79].rstrip() + "…"
