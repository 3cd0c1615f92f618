"""Conversations as the workspace reads them: found by agent and words, and whole with the price of every answer."""

from functions.analytics import repository
from functions.analytics.models import ConversationFilter, ConversationItem, Transcript, TranscriptTurn, TurnSource
from functions.shared import clock, contracts, ids, words
from functions.shared.contracts import BUCKETS, ConversationRead, TurnRead
from functions.shared.errors import NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Call, Items, page_token, page_values
from functions.shared.money import Money


def listed(call: Call, query: ConversationFilter) -> Items[ConversationItem]:
    """The latest first. Of several words the database looks for the longest; the others are tested here."""
    values = page_values(query.page_token, 2)
    prefix = contracts.path(call.workspace, "conversations") + "/"
    after = None
    if values is not None and str(values[1]).startswith(prefix):
        after = (clock.from_text(str(values[0])), str(values[1]))
    wanted = words.significant(query.q or "")
    if query.q and not wanted:
        return Items(items=[])
    word = max(wanted, key=len) if wanted else None
    found = repository.conversations(call.workspace, query.agent_id, word, query.page_size + 1, after)
    more = len(found) > query.page_size
    page = found[: query.page_size]
    fitting = [one for one in page if set(wanted) <= set(one.data.get("words", ()))]
    last = page[-1] if page else None
    return Items(
        items=[_item(one) for one in fitting],
        next_page_token=page_token(clock.to_text(last.data["updated_at"]), last.path) if more and last else None,
    )


def _item(found: Snapshot) -> ConversationItem:
    return ConversationItem(**_fields(found))


def _fields(found: Snapshot) -> dict[str, object]:
    known = ConversationRead.model_validate(found.data)
    kept = known.model_dump(include=ConversationItem.model_fields.keys() & ConversationRead.model_fields.keys())
    return {
        **kept,
        "id": found.id,
        "turns": known.turn_count,
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
