"""What the whole workspace's export has of other rooms' collections beside conversations and books, read page by page.

These are read and not asked for: an API key may ask for the export, and no API key may list keys and invitations. So the
read models say what may leave, and the database is asked for their fields alone: hashes of secrets never come here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from functions.analytics import export_sources, repository
from functions.analytics.export_formats import Column, Row
from functions.analytics.export_sources import Cursor, Page, Source, Span, columns_of
from functions.shared.contracts import ApiKeyTerms, FleetRecord, InvitationRead, VisitorRead
from functions.shared.firestore import Snapshot
from functions.shared.reads import Read

FLEET = columns_of(
    agent_id="text", status="text", tags="json", note="text", pinned="flag", history="json", deleted_at="time",
)  # fmt: skip
API_KEYS = columns_of(
    key_id="text", name="text", role="text", scopes="json", created_at="time", expires_at="time", last_used_at="time",
    rotated_at="time", revoked_at="time",
)  # fmt: skip
INVITATIONS = columns_of(
    invitation_id="text", email="text", role="text", state="text", invited_by="text", created_at="time",
    expires_at="time", accepted_at="time",
)  # fmt: skip
VISITORS = columns_of(visitor_id="text", seen_at="time", identified="flag")


@dataclass(frozen=True)
class Records:
    """A collection in the order of its documents' names, of which nothing but the fields of a read model is read.

    The first column is the document's name.
    """

    collection: str
    columns: Sequence[Column]
    model: type[Read]
    span: Span

    def expected(self) -> int | None:
        return repository.count_of(self.span.workspace, self.collection)

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        fields = tuple(self.model.model_fields)
        while True:
            after, limit = cursor[0] if cursor else None, export_sources.DOCUMENTS_PAGE
            found = repository.by_name(self.span.workspace, self.collection, limit, after, fields)
            cursor = [found[-1].path] if found else cursor or []
            yield Page(self.columns, [self._row(one) for one in found], cursor)
            if len(found) < limit:
                return

    def _row(self, found: Snapshot) -> Row:
        known = self.model.model_validate(found.data)
        row = {**known.model_dump(), self.columns[0].name: found.id}
        return row | {"state": known.state_at(self.span.until)} if isinstance(known, InvitationRead) else row


def fleet(span: Span) -> Source:
    """Status and history, tags, note and pin of agents; one that nobody touched has none of it."""
    return Records("fleet", FLEET, FleetRecord, span)


def api_keys(span: Span) -> Source:
    """What API keys there are, and what each may do."""
    return Records("api_keys", API_KEYS, ApiKeyTerms, span)


def invitations(span: Span) -> Source:
    """Who was invited, as it stands at the end of the span."""
    return Records("invitations", INVITATIONS, InvitationRead, span)


def visitors(span: Span) -> Source:
    """Who has been at the widgets."""
    return Records("visitors", VISITORS, VisitorRead, span)
