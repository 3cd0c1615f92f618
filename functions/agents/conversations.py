"""What a turn does to its conversation's document, pure: who may speak, what is remembered, how it can be found."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from functions.agents.models import Ask, Exchange
from functions.shared.errors import Conflict, NotFound, TooMany

HISTORY_BYTES = 24_000
"""How much of the latest turns goes into the prompt, and so is kept on the conversation. A turn's highest price counts
it in full, so it is well below what the document could hold."""

MAX_WORDS = 60
_WORD = re.compile(r"[^\W_]{3,}")
_COMMON = frozenset(
    """
    the and for are but not you all any can had her was one our out has him his how its may new now old see two who did
    get let put say she too use that with have this will your from they know want been good much some time very when
    come here just like long make many more only over such take than them well were what where which there their would
    could about please thanks thank hello der die das und ist sie ich ein eine nicht mit auf für von den dem wie was wer
    les des une est pas que qui pour dans los las una por con para
    """.split()  # noqa: SIM905 - a list of words is read as words
)


def check_free(conversation: Mapping[str, Any], ask: Ask, now: datetime) -> None:
    """A conversation has one turn at a time. Raises Conflict while another, or this very one, is being answered."""
    for turn, expires_at in (conversation.get("running") or {}).items():
        if expires_at <= now:
            continue
        if turn == ask.turn_id:
            raise Conflict(
                "This turn is being answered. Ask again with the same key for its answer.",
                code="turn_in_progress",
                headers={"Retry-After": "1"},
            )
        raise Conflict(
            "Another turn of this conversation is being answered.",
            code="conversation_busy",
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
    if answer:
        exchanges.append({"message": message, "answer": answer})
    kept: list[Exchange] = []
    size = 0
    for exchange in reversed(exchanges):
        size += len(exchange["message"].encode()) + len(exchange["answer"].encode())
        if size > HISTORY_BYTES:
            break
        kept.append(exchange)
    return kept[::-1]


def words(text: str, known: Iterable[str] = ()) -> list[str]:
    """At most MAX_WORDS significant words, lower case and without accents, those known already first."""
    found = dict.fromkeys(known)
    for word in _WORD.findall(folded(text)):
        if word not in _COMMON and len(word) <= 40:
            found.setdefault(word)
    return list(found)[:MAX_WORDS]


def folded(text: str) -> str:
    """Lower case without accents, as `words` are stored and searched."""
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(letter)
    )


def title(message: str) -> str:
    """The first words of a conversation, for lists."""
    line = " ".join(message.split())
    return line if len(line) <= 80 else line[:79].rstrip() + "…"
