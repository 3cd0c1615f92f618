"""Who did what: the feed of the home page and the audit log, filtered and paged, and its export as CSV or JSON Lines."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from functions.dashboard import repository
from functions.dashboard.home_models import Activity, ActivityFilter
from functions.shared import contracts, paging
from functions.shared.firestore import Snapshot
from functions.shared.http import Bytes, Call, Items
from functions.shared.identity import WorkspaceId
from functions.shared.paging import Place

AT_ONCE = 500

MOST_READ = 2_000
"""Entries that a page may look at to find those that fit; the next page goes on where it stopped."""

MOST_EXPORTED = 10_000
"""Entries in one file; what the whole workspace has is a matter of exports, which are jobs."""

COLUMNS = ("at", "actor", "actor_name", "action", "kind", "subject", "name", "before", "after", "id")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula for some spreadsheet, in full width too."""

CSV, JSON_LINES = "text/csv", "application/jsonl"


def page(workspace: WorkspaceId, query: ActivityFilter) -> Items[Activity]:
    """A page of entries, the newest first. One whose conditions few entries meet may be short, or empty, and go on."""
    found, rest = _entries(workspace, query, query.page_size, MOST_READ)
    return Items(items=[_shown(entry) for entry in found], next_page_token=_token(rest))


def _token(rest: Place | None) -> str | None:
    return None if rest is None else paging.token_of(rest)


def _shown(entry: Snapshot) -> Activity:
    return Activity(id=entry.id, **entry.data)


def export(call: Call, query: ActivityFilter) -> Bytes:
    """The entries that fit, up to MOST_EXPORTED, as the media type that the client prefers.

    Where there are more, the header Next-Page-Token says how to go on. `page_size` is without meaning here.
    """
    found, rest = _entries(call.workspace, query, MOST_EXPORTED, MOST_EXPORTED)
    rows = [_shown(entry).model_dump(mode="json") for entry in found]
    name = f"audit-log-{call.now:%Y-%m-%d}.{'csv' if call.media_type == CSV else 'jsonl'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if rest is not None:
        headers["Next-Page-Token"] = paging.token_of(rest)
    if call.media_type == CSV:
        return Bytes(_csv(rows), f"{CSV}; charset=utf-8", headers=headers)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return Bytes(lines.encode(), JSON_LINES, headers=headers)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in COLUMNS])
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as text. What a spreadsheet would take for a formula is marked as text: names come from anybody."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in _FORMULAS else text


def _entries(
    workspace: WorkspaceId, query: ActivityFilter, limit: int, most: int
) -> tuple[list[Snapshot], Place | None]:
    """Up to `limit` entries that fit, out of about `most` that are read, and where to go on if there are more."""
    after = paging.place_of(query.page_token, contracts.path(workspace, "activity"))
    fitting: list[Snapshot] = []
    read = 0
    while True:
        # One more than is needed says whether there is another page.
        size = min(AT_ONCE, limit - len(fitting) + 1) if _asked_whole(query) else AT_ONCE
        part = repository.activity(
            workspace,
            size,
            after,
            actor=query.actor,
            kind=query.kind,
            subject=query.subject,
            since=query.from_,
            until=query.to,
        )
        for entry in part:
            if _fits(entry.data, query):
                if len(fitting) == limit:
                    return fitting, after
                fitting.append(entry)
            after = (entry.data["at"], entry.path)
        read += len(part)
        if len(part) < size:
            return fitting, None
        if read >= most and len(fitting) < limit:
            return fitting, after


def _asked_whole(query: ActivityFilter) -> bool:
    """Whether the database looks at every condition, so that all it gives fits."""
    asked = [query.actor, query.kind, query.subject]
    return query.action is None and sum(value is not None for value in asked) < 2


def _fits(entry: Mapping[str, Any], query: ActivityFilter) -> bool:
    return (
        query.actor in (None, entry["actor"])
        and query.kind in (None, entry["kind"])
        and query.subject in (None, entry["subject"])
        and (query.action is None or str(entry["action"]).startswith(query.action))
    )
