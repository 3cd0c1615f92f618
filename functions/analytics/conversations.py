"""Conversations as the workspace reads them: found by agent and words, and whole with the price of every answer."""

from functions.analytics import repository
from functions.analytics.models import (
    ConversationFilter,
    ConversationItem,
    HandOff,
    Lead,
    Transcript,
    TranscriptTurn,
    TurnSource,
)
from functions.shared import contracts, ids, paging, words
from functions.shared.contracts import BUCKETS, ConversationRead, TurnRead
from functions.shared.errors import NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Call, Items
from functions.shared.money import Money

MOST_READ = 300


def listed(call: Call, query: ConversationFilter) -> Items[ConversationItem]:
    """The latest first. Of several words the database looks for the longest; the others are tested here.

    So a page may have fewer items than asked for, or none, and still a next one: a search reads MOST_READ conversations
    at most.
    """
    after = paging.place_of(query.page_token, contracts.path(call.workspace, "conversations"))
    wanted = words.significant(query.q or "")
    if query.q and not wanted:
        return Items(items=[])
    word = max(wanted, key=len) if wanted else None
    fitting: list[Snapshot] = []
    read, more = 0, True
    while more and len(fitting) < query.page_size and read < MOST_READ:
        limit = query.page_size - len(fitting)
        found = repository.conversations(call.workspace, query.agent_id, word, limit + 1, after)
        more = len(found) > limit
        page = found[:limit]
        read += len(found)
        fitting += [one for one in page if set(wanted) <= set(one.data.get("words", ()))]
        if page:
            after = (page[-1].data["updated_at"], page[-1].path)
    token = paging.token_of(after) if more and after is not None else None
    return Items(items=[ConversationItem(**_fields(one)) for one in fitting], next_page_token=token)


def _fields(found: Snapshot) -> dict[str, object]:
    known = ConversationRead.model_validate(found.data)
    kept = known.model_dump(include=ConversationItem.model_fields.keys() & ConversationRead.model_fields.keys())
    return {
        **kept,
        "id": found.id,
        "turns": known.turn_count,
        "has_lead": known.lead is not None,
        "tokens": sum(getattr(known, bucket) for bucket in BUCKETS),
        "cost": Money.of_nanos(known.cost_nanos, known.currency),
        "charge": Money.of_nanos(known.charge_nanos, known.currency),
    }


def one(call: Call, conversation: str) -> Transcript:
    """A whole conversation. Raises NotFound."""
    found = repository.conversation(call.workspace, conversation) if ids.valid("conversation", conversation) else None
    if found is None or not found.exists:
        raise NotFound("There is no such conversation.")
    known = ConversationRead.model_validate(found.data)
    turns = repository.turns(call.workspace, conversation)
    return Transcript(
        **_fields(found),
        locale=known.locale,
        page_url=known.page_url,
        hand_off=None if known.hand_off is None else HandOff(**known.hand_off.model_dump()),
        lead=None if known.lead is None else Lead(**known.lead.model_dump()),
        rating_comment=known.rating_comment,
        transcript=[_turn(turn) for turn in turns],
    )


def _turn(found: Snapshot) -> TranscriptTurn:
    turn = TurnRead.model_validate(found.data)
    kept = turn.model_dump(include=TranscriptTurn.model_fields.keys() & TurnRead.model_fields.keys())
    kept["sources"] = [TurnSource(**source.model_dump()) for source in turn.sources]
    kept["actions"] = list(turn.actions)
    return TranscriptTurn(
        id=found.id,
        cost=Money.of_nanos(turn.cost_nanos, turn.currency),
        charge=Money.of_nanos(turn.charge_nanos, turn.currency),
        **kept,
    )
