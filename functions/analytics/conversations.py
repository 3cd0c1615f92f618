"""Conversations as the workspace reads them: found by what they have and say, and whole with every answer's price."""

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from functions.analytics import repository, steps
from functions.analytics.models import ConversationItem, HandOff, Lead, Transcript, TranscriptTurn, TurnSource
from functions.analytics.query_models import ConversationFilter, TranscriptQuery
from functions.shared import contracts, etags, ids, paging, words
from functions.shared.contracts import BUCKETS, ConversationRead, TurnRead
from functions.shared.errors import Invalid, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Call, Items
from functions.shared.identity import Role
from functions.shared.money import Money

MOST_READ = 300
AT_ONCE = 100
MOST_TURNS = 200

Asks = Callable[[int, paging.Place | None], list[Snapshot]]
Fits = Callable[[ConversationRead, set[str]], bool]


def listed(call: Call, query: ConversationFilter) -> Items[ConversationItem]:
    """The latest first, ties by id. The database looks for what it has an index for, the rest is tested here.

    So a page may have fewer items than asked for, or none, and still a next one: a search reads MOST_READ conversations
    at most, and those that were read and did not fit are not read again. Raises Invalid.
    """
    after = paging.place_of(query.page_token, contracts.path(call.workspace, "conversations"))
    wanted = words.significant(query.q or "")
    if query.q and not wanted:
        return Items(items=[])
    ask, exact = _asked(call, query, wanted)
    fits = _fitting(query, wanted)
    fitting: list[Snapshot] = []
    read, more = 0, True
    while more and len(fitting) < query.page_size and read < MOST_READ:
        limit = query.page_size - len(fitting) if exact else min(AT_ONCE, MOST_READ - read) - 1
        # One more than is wanted, which says whether there are more.
        found = ask(limit + 1, after)
        read += len(found)
        more = len(found) > limit
        for place, one in enumerate(found[:limit], 1):
            after = (one.data["updated_at"], one.path)
            if fits(ConversationRead.model_validate(one.data), set(one.data.get("words", ()))):
                fitting.append(one)
                if len(fitting) == query.page_size:
                    more = more or place < len(found[:limit])
                    break
    token = paging.token_of(after) if more and after is not None else None
    return Items(items=[ConversationItem(**_fields(one)) for one in fitting], next_page_token=token)


def _asked(call: Call, query: ConversationFilter, wanted: Sequence[str]) -> tuple[Asks, bool]:
    """The query of the index that leaves the fewest to be tested, and whether it leaves none."""
    workspace, (since, until) = call.workspace, _span(call, query)
    narrowed = {name for name in query.model_fields_set if getattr(query, name) is not None}
    narrowed -= {"page_size", "page_token", "from_", "to"}
    if query.visitor_id is not None:
        visitor = query.visitor_id
        return lambda limit, after: repository.of_visitor(workspace, visitor, since, until, limit, after), (
            narrowed == {"visitor_id"}
        )
    if query.handed_off and not wanted and query.agent_id is None:
        return lambda limit, after: repository.handed_off(workspace, since, until, limit, after), (
            narrowed == {"handed_off"}
        )
    word = max(wanted, key=len) if wanted else None
    return lambda limit, after: repository.conversations(
        workspace, query.agent_id, word, since, until, limit, after
    ), narrowed <= {"agent_id", "q"} and len(wanted) <= 1


def _fitting(query: ConversationFilter, wanted: Sequence[str]) -> Fits:
    """Whether a conversation is one of those that are wanted; all that is asked for is tested, found by an index or not."""
    same = {
        name: getattr(query, name)
        for name in ("agent_id", "widget_id", "visitor_id", "channel", "outcome", "handed_off", "resolved")
        if getattr(query, name) is not None
    }
    stars = query.min_rating is not None or query.max_rating is not None
    least, most = query.min_rating or 1, query.max_rating or 5

    def fits(known: ConversationRead, said: set[str]) -> bool:
        if any(getattr(known, name) != value for name, value in same.items()) or not set(wanted) <= said:
            return False
        if query.hand_off is not None and (known.hand_off is None or known.hand_off.state != query.hand_off):
            return False
        if query.has_lead is not None and (known.lead is not None) != query.has_lead:
            return False
        return not stars or (known.rating is not None and least <= known.rating <= most)

    return fits


def _span(call: Call, query: ConversationFilter) -> tuple[datetime | None, datetime | None]:
    """The days of the workspace as moments, half-open. Raises Invalid where they are reversed."""
    if query.from_ is None and query.to is None:
        return None, None
    if query.from_ is not None and query.to is not None and query.from_ > query.to:
        raise Invalid(errors=[{"pointer": "/from", "message": "This is after `to`."}])
    zone = ZoneInfo(repository.workspace(call.workspace).time_zone)
    since = None if query.from_ is None else steps.bounds(query.from_, zone)[0]
    return since, None if query.to is None else steps.bounds(query.to, zone)[1]


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


def one(call: Call, conversation: str, query: TranscriptQuery) -> tuple[Transcript, str]:
    """A conversation with its latest MOST_TURNS turns, or the latest before one, and the etag of what is shown of it:
    turns have documents of their own, and not everybody sees a lead's contact. Raises NotFound."""
    found = repository.conversation(call.workspace, conversation) if ids.valid("conversation", conversation) else None
    if found is None or not found.exists:
        raise NotFound("There is no such conversation.")
    known = ConversationRead.model_validate(found.data)
    turns = repository.turns(call.workspace, conversation, query.before, MOST_TURNS + 1)
    more, turns = len(turns) > MOST_TURNS, turns[-MOST_TURNS:]
    shown = Transcript(
        **_fields(found),
        locale=known.locale,
        page_url=known.page_url,
        hand_off=None if known.hand_off is None else HandOff(**known.hand_off.model_dump()),
        lead=Lead(**known.lead.model_dump()) if known.lead is not None and _sees_leads(call) else None,
        rating_comment=known.rating_comment,
        transcript=[_turn(turn) for turn in turns],
        earlier=turns[0].data["seq"] if more else None,
    )
    return shown, etags.showing(found.etag, shown.model_dump_json())


def _sees_leads(call: Call) -> bool:
    """Contact details are for those who may list the leads, too; `has_lead` tells everybody that there is one."""
    return call.principal.role is None or call.principal.role.allows(Role.MEMBER)


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
