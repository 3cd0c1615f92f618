"""Makes a day's tally and rollups anew out of the warehouse, when the daily close keeps finding that they differ.

`python -m infra.rebuild WORKSPACE DAY --project PROJECT --environment ENVIRONMENT [--dry-run]`. The warehouse is believed
only after it has shown every usage event that Firestore still has, and consumers must have counted every one that they
still would count. Until both hold nothing is changed: what is missing is published again, and the command run again.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from functions.analytics import consumer, rebuilding, rollups
from functions.billing import closing, repository, retallying, tallies
from functions.shared import bigquery, clock, events, firestore
from functions.shared.config import settings
from functions.shared.errors import Problem
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory

DONE, NOT_YET, NOT_DONE = 0, 1, 2
ATTEMPTS = 5
_USAGE = "SELECT * FROM `{dataset}.usage`(@workspace, @since, @until)"
_CONVERSATIONS = """
SELECT * FROM `{dataset}.conversations`(@workspace, @since, @now)
WHERE (counts_at IS NULL AND occurred_at < @until) OR counts_at < @until
"""
"""A changed rating happens later than it counts; what counts before the span the rebuilding passes over."""


class NotYet(Exception):
    """Something has to be counted or stored first; it was published again."""


def rebuild(workspace: WorkspaceId, day: str, *, now: datetime, dry_run: bool = False) -> list[str]:
    """Rebuild a UTC day that is over; returns what differed. Raises NotYet, ValueError, and Unavailable."""
    if clock.start_of_day(clock.next_day(day)) > now:
        raise ValueError(f"{day} is not over")
    for _ in range(ATTEMPTS):
        try:
            differing = retallying.retally(
                workspace, day, lambda since, until: _usage(workspace, since, until, now), dry_run=dry_run
            )
            return differing + rebuilding.rebuild(
                workspace,
                day,
                lambda since, until: _usage(workspace, since, until, now),
                lambda since, until: _rows(_CONVERSATIONS, workspace, since, until, now=max(until, now)),
                dry_run=dry_run,
            )
        except (firestore.Changed, firestore.AlreadyExists):
            continue  # Something was counted meanwhile.
    raise NotYet("Events of that day are being counted at this moment.")


def _rows(sql: str, workspace: WorkspaceId, since: datetime, until: datetime, **more: datetime) -> list[dict[str, Any]]:
    found = bigquery.query(sql, {"workspace": str(workspace), "since": since, "until": until, **more})
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    return clock.to_text(value) if isinstance(value, datetime) else value


def _usage(workspace: WorkspaceId, since: datetime, until: datetime, now: datetime) -> list[dict[str, Any]]:
    """The warehouse's usage events of a span, once nothing is missing in it. Raises NotYet."""
    rows = _rows(_USAGE, workspace, since, until)
    stored = {row["event_id"] for row in rows}
    kept = {event.id: event for event in _events(workspace, since, until, now)}
    lacking = kept.keys() - stored
    # Nobody counts an older one any more, and what adds nothing to the rollups leaves no mark there.
    young = [row for row in rows if clock.from_text(row["recorded_at"]) > now - events.MARKS_KEPT]
    uncounted = repository.unmarked(workspace, tallies.CONSUMER, [row["event_id"] for row in young])
    adding = [row["event_id"] for row in young if rollups.of_usage(row)]
    uncounted |= repository.unmarked(workspace, consumer.CONSUMERS["usage-recorded"], adding)
    if missing := lacking | uncounted:
        sent = events.publish_all(
            [kept[name] if name in kept else _event(workspace, rows, name) for name in sorted(missing)]
        )
        raise NotYet(
            f"{len(lacking)} events are not in the warehouse yet and {len(uncounted)} not counted; {sent} were published again."
        )
    return rows


def _event(workspace: WorkspaceId, rows: Sequence[Mapping[str, Any]], name: str) -> Event:
    """An event that only the warehouse still has."""
    row = next(row for row in rows if row["event_id"] == name)
    return Event(workspace, "usage-recorded", name, dict(row))


def _events(workspace: WorkspaceId, since: datetime, until: datetime, now: datetime) -> list[Event]:
    """The usage events of a span that Firestore has. A correction is booked on a later day, which its mark tells."""
    first, last = (
        date.fromisoformat(clock.day_of(since)),
        date.fromisoformat(clock.day_of(until - timedelta(seconds=1))),
    )
    end = min(last + timedelta(days=closing.EXAMINED_DAYS), now.date())
    days = [str(first + timedelta(days=number)) for number in range((end - first).days + 1)]
    marks = repository.read([repository.mark_path(workspace, day) for day in days])
    wanted = {day for day in days if day <= str(last)}
    found = []
    for day, mark in zip(days, marks, strict=True):
        if day in wanted or not mark.exists or wanted & set(mark.data.get("other_days", ())):
            found += events.of_day(workspace, day)
    return [event for event in found if since <= clock.from_text(event.row["occurred_at"]) < until]


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild and print; DONE, NOT_YET when it must be run again, NOT_DONE when it could not."""
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    parser = argparse.ArgumentParser(prog="rebuild", description="Make a day's figures anew out of the warehouse.")
    parser.add_argument("workspace")
    parser.add_argument("day", help="a UTC day that is over, such as 2027-01-05")
    parser.add_argument("--project", required=True)
    parser.add_argument("--environment", required=True, help="dev, prod: it names the data set")
    parser.add_argument("--database", default="(default)")
    parser.add_argument("--dry-run", action="store_true", help="say what differs and change nothing")
    options = parser.parse_args(arguments)
    os.environ["GOOGLE_CLOUD_PROJECT_ID"] = options.project
    os.environ["ENVIRONMENT"] = options.environment
    os.environ["BIGQUERY_DATASET_ID"] = f"agenthub_{options.environment}"
    os.environ["FIRESTORE_DATABASE"] = options.database
    for one in (settings, firestore.client):
        one.cache_clear()
    try:
        date.fromisoformat(options.day)
        workspace = from_directory(options.workspace)
        differing = rebuild(workspace, options.day, now=clock.now(), dry_run=options.dry_run)
    except NotYet as error:
        print(f"{error} Run it again in a minute.", file=sys.stderr)
        return NOT_YET
    except (exceptions.GoogleAPICallError, GoogleAuthError, Problem, ValueError) as error:
        print(f"Nothing was rebuilt: {error}", file=sys.stderr)
        return NOT_DONE
    print("\n".join(differing) if differing else "Nothing differs.")
    if differing:
        print("Nothing was changed: a dry run." if options.dry_run else f"{options.day} is rebuilt.")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
