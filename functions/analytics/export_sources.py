"""Where the rows of an export come from, page by page: the warehouse and the collections of Firestore.

Every source goes on after a cursor, which names the last row given by time and id, never by its number: a run that was
killed goes on in the next one without a row lost or doubled, whatever has been added meanwhile.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from functions.analytics import repository
from functions.analytics.export_formats import Column, ColumnKind, Row
from functions.shared import bigquery, clock
from functions.shared.contracts import ActivityRead, ConversationRead, PaymentRead, TurnRead
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId

WAREHOUSE_PAGE = 5_000
DOCUMENTS_PAGE = 500
CONVERSATIONS_PAGE = 100
"""Of transcripts: their turns are read for so many conversations at once."""

AT_ONCE = 8
"""Conversations whose turns are read at the same time."""

Cursor = list[Any]


@dataclass(frozen=True)
class Page:
    """Some rows, and the cursor after which the next ones come. A source gives at least one page, also without rows."""

    columns: Sequence[Column]
    rows: list[Row]
    cursor: Cursor


@dataclass(frozen=True)
class Span:
    """Which rows are wanted: of `since` and later, before `until`, of one agent if it is given.

    `last` is the end that was asked for, None: as far as there are any, for what goes on changing.
    """

    workspace: WorkspaceId
    since: datetime
    until: datetime
    last: datetime | None
    agent: str | None


class Source(Protocol):
    """One table of an export."""

    def expected(self) -> int | None:
        """About how many rows there are; None: unknown."""
        ...

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """The pages after `cursor`, in a fixed order."""
        ...


@dataclass(frozen=True)
class Warehouse:
    """A table of the warehouse, each row once, all columns in their own types."""

    routine: str
    time: str
    name: str
    span: Span

    def expected(self) -> int | None:
        try:
            found = bigquery.query(
                f"SELECT COUNT(*) AS number FROM {self.routine}(@workspace, @since, @until){self._agent('WHERE')}",  # noqa: S608
                self._parameters(self.span.since, self.span.until),
            )
        except bigquery.TooLarge:
            return None
        return int(found[0]["number"])

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        since = self.span.since if cursor is None else clock.from_text(cursor[0])
        for begin, end in months(since, self.span.until):
            yield from self._window(begin, end, cursor)

    def _window(self, begin: datetime, end: datetime, cursor: Cursor | None) -> Iterator[Page]:
        parameters = self._parameters(begin, end)
        after = f" {self._agent('AND')}"
        if cursor is not None:
            after += f" AND ({self.time} > @after OR ({self.time} = @after AND {self.name} > @last))"
            parameters |= {"after": clock.from_text(cursor[0]), "last": cursor[1]}
        # All names in it stand in this file.
        sql = (
            f"SELECT * FROM {self.routine}(@workspace, @since, @until) WHERE TRUE{after} "  # noqa: S608
            f"ORDER BY {self.time}, {self.name}"
        )
        try:
            found = bigquery.stream(sql, parameters, page_size=WAREHOUSE_PAGE)
        except bigquery.TooLarge:
            # The bound counts every workspace's rows of these days.
            if end - begin <= timedelta(days=1):
                raise
            middle = begin + (end - begin) / 2
            yield from self._window(begin, middle, cursor)
            yield from self._window(middle, end, cursor)
            return
        columns = [Column(name, _KINDS[kind]) for name, kind in found.columns]
        names = [column.name for column in columns]
        at = cursor or [clock.to_text(begin), ""]
        number = 0
        for page in found.pages:
            rows = [dict(zip(names, values, strict=True)) for values in page]
            if rows:
                at = [clock.to_text(rows[-1][self.time]), rows[-1][self.name]]
                number += len(rows)
                yield Page(columns, rows, at)
        if not number:
            yield Page(columns, [], at)

    def _agent(self, word: str) -> str:
        return f" {word} agent_id = @agent" if self.span.agent is not None else ""

    def _parameters(self, since: datetime, until: datetime) -> dict[str, Any]:
        named = {"workspace": str(self.span.workspace), "since": since, "until": until}
        return named if self.span.agent is None else {**named, "agent": self.span.agent}


_KINDS: dict[str, ColumnKind] = {
    "STRING": "text",
    "INTEGER": "integer",
    "INT64": "integer",
    "BOOLEAN": "flag",
    "BOOL": "flag",
    "TIMESTAMP": "time",
}


def months(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The span cut at the months of UTC: one query each, which can be sorted; at least one, if it is empty."""
    begin = since
    while True:
        end = min(until, clock.start_of_month(clock.next_month(clock.month_of(begin))))
        yield begin, max(begin, end)
        if end >= until:
            return
        begin = end


@dataclass(frozen=True)
class Documents:
    """A collection in the order of a time; a row is made of each document."""

    collection: str
    time: str
    columns: Sequence[Column]
    row: Callable[[Snapshot], Row]
    span: Span
    until: datetime | None
    fields: tuple[str, ...] | None = None

    def expected(self) -> int | None:
        return repository.count_of_span(self.span.workspace, self.collection, self.time, self.span.since, self.until)

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        while True:
            found = self.found(cursor, DOCUMENTS_PAGE)
            cursor = cursor_of(found, self.time, cursor)
            yield Page(self.columns, [self.row(one) for one in found if self.wanted(one)], cursor)
            if len(found) < DOCUMENTS_PAGE:
                return

    def found(self, cursor: Cursor | None, limit: int) -> list[Snapshot]:
        """The next documents, of every agent."""
        place = None if not cursor else (clock.from_text(cursor[0]), str(cursor[1]))
        return repository.of_span(
            self.span.workspace, self.collection, self.time, self.span.since, self.until, limit, place, self.fields
        )

    def wanted(self, found: Snapshot) -> bool:
        """Whether it is the agent's that was asked for: sorted out here, which saves an index that every turn would pay."""
        return self.span.agent is None or found.data.get("agent_id") == self.span.agent


def cursor_of(found: Sequence[Snapshot], time: str, before: Cursor | None) -> Cursor:
    """The cursor after these documents."""
    return [clock.to_text(found[-1].data[time]), found[-1].path] if found else before or []


@dataclass(frozen=True)
class Transcripts:
    """The turns of the conversations, one row each; a conversation's come together and in order."""

    conversations: Documents

    def expected(self) -> int | None:
        return None

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        span = self.conversations.span
        with ThreadPoolExecutor(AT_ONCE, "turns") as pool:
            while True:
                found = self.conversations.found(cursor, CONVERSATIONS_PAGE)
                wanted = [one for one in found if self.conversations.wanted(one)]
                reading = [
                    pool.submit(copy_context().run, repository.all_turns, span.workspace, one.id) for one in wanted
                ]
                rows = [
                    _turn(conversation, turn)
                    for conversation, turns in zip(wanted, reading, strict=True)
                    for turn in turns.result()
                ]
                cursor = cursor_of(found, self.conversations.time, cursor)
                yield Page(TRANSCRIPTS, rows, cursor)
                if len(found) < CONVERSATIONS_PAGE:
                    return


def columns_of(**kinds: ColumnKind) -> list[Column]:
    """Columns by their names, in this order."""
    return [Column(name, kind) for name, kind in kinds.items()]


CONVERSATIONS = columns_of(
    conversation_id="text", agent_id="text", channel="text", widget_id="text", visitor_id="text", locale="text",
    page_url="text", title="text", turn_count="integer", handed_off="flag", resolved="flag", has_lead="flag",
    rating="integer", rating_comment="text", input_tokens="integer", cached_input_tokens="integer",
    output_tokens="integer", reasoning_tokens="integer", cost_nanos="integer", charge_nanos="integer", currency="text",
    created_at="time", updated_at="time",
)  # fmt: skip
WHOLE_CONVERSATIONS = [
    *CONVERSATIONS,
    *columns_of(industry="text", version_id="text", outcome="text", lead="json", hand_off="json"),
]
TRANSCRIPTS = columns_of(
    conversation_id="text", agent_id="text", turn_id="text", seq="integer", message_id="text", message="text",
    answer="text", outcome="text", provider="text", model="text", version_id="text", price_version="text",
    input_tokens="integer", cached_input_tokens="integer", output_tokens="integer", reasoning_tokens="integer",
    estimated="flag", cost_nanos="integer", charge_nanos="integer", currency="text", latency_ms="integer",
    first_token_ms="integer",  # noqa: S106 - a column's kind
    error_code="text", sources="json", actions="json", feedback="text", comment="text",
    history_turns="integer", history_cut="integer", occurred_at="time", completed_at="time",
)  # fmt: skip
AUDIT_LOG = columns_of(
    entry_id="text", at="time", actor="text", actor_name="text", action="text", kind="text", subject="text",
    name="text", before="json", after="json",
)  # fmt: skip
PAYMENTS = columns_of(
    payment_id="text", invoice_id="text", amount_minor="integer", currency="text", received_at="time", method="text",
    provider_id="text", state="text", refunded_minor="integer",
)  # fmt: skip


def _conversation(found: Snapshot) -> Row:
    known = ConversationRead.model_validate(found.data)
    return {**known.model_dump(), "conversation_id": found.id, "has_lead": known.lead is not None}


def _turn(conversation: Snapshot, found: Snapshot) -> Row:
    known = TurnRead.model_validate(found.data)
    agent: Mapping[str, Any] = {"agent_id": conversation.data.get("agent_id")}
    return {**known.model_dump(), **agent, "conversation_id": conversation.id, "turn_id": found.id}


def _entry(found: Snapshot) -> Row:
    return {**ActivityRead.model_validate(found.data).model_dump(), "entry_id": found.id}


def _payment(found: Snapshot) -> Row:
    return {**PaymentRead.model_validate(found.data).model_dump(), "payment_id": found.id}


def usage_events(span: Span) -> Source:
    """Usage events with every column of the table, so that the digest of each can be recomputed."""
    return Warehouse("`{dataset}.usage`", "occurred_at", "event_id", span)


def conversation_events(span: Span) -> Source:
    """Feedback, ratings, hand-offs, leads and resolutions."""
    return Warehouse("`{dataset}.conversations`", "occurred_at", "event_id", span)


def ledger(span: Span) -> Source:
    """Ledger entries by the time they were booked."""
    return Warehouse("`{dataset}.ledger`", "booked_at", "entry_id", span)


def invoice_lines(span: Span) -> Source:
    """Lines of invoices by the time of issue."""
    return Warehouse("`{dataset}.lines`", "issued_at", "line_id", span)


def conversations(span: Span) -> Documents:
    """Conversations by their last activity, without what was said.

    One that goes on while this is written comes again with its later state rather than not at all.
    """
    columns = (*ConversationRead.model_fields,)
    return Documents("conversations", "updated_at", CONVERSATIONS, _conversation, span, span.last, columns)


def whole_conversations(span: Span) -> Source:
    """The same with what visitors left of themselves, whoever asked for a person, and what colleagues noted on both."""
    return replace(conversations(span), columns=WHOLE_CONVERSATIONS)


def transcripts(span: Span) -> Source:
    """What was said in them."""
    return Transcripts(conversations(span))


def audit_log(span: Span) -> Source:
    """Who did what."""
    return Documents("activity", "at", AUDIT_LOG, _entry, span, span.until)


def payments(span: Span) -> Source:
    """What was paid."""
    return Documents("payments", "received_at", PAYMENTS, _payment, span, span.until)


_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def span_of(
    workspace: WorkspaceId, since: datetime | None, last: datetime | None, until: datetime, agent: str | None
) -> Span:
    """The span that an export asks for; without a beginning it is the workspace's own."""
    begin = since or min(repository.workspace(workspace).created_at, until)
    return Span(workspace, max(begin, _EARLIEST), max(until, begin), last, agent)
