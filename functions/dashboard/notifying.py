"""From a notification to everybody who wants it: one delivery for each webhook and one mail, tried at once and then when due.

Nothing here sleeps: what failed has its time in Firestore, and a schedule looks for what is due. Receivers are served
side by side, what waits for one of them in a row, so that one that does not answer holds nobody else up.
"""

import contextvars
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from functions.dashboard import deliveries, invitation_links, letters, mail, notices, repository, sending
from functions.dashboard.deliveries import Result
from functions.dashboard.notices import Notice
from functions.shared import clock, contracts, events, firestore, logs
from functions.shared.contracts import WorkspaceRead
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId

INVITED = "member.invited"

AT_ONCE = 8
"""Receivers that are spoken to side by side."""

PAGE = 500
MOST_PAGES = 4
SECONDS = 200.0
"""After so long a run begins nothing new; the next one goes on."""


def take(event: Event, now: datetime) -> None:
    """Make and try the deliveries of one event. A repeat of it finds them and does nothing."""
    workspace, kind = event.workspace, str(event.row["type"])
    stored = firestore.get(contracts.workspace_path(workspace))
    if not stored.exists or stored.data.get("state") == "erased":
        return
    home = WorkspaceRead.model_validate(stored.data)
    wanting = {
        repository.delivery_path(workspace, webhook.id, event.id): webhook
        for webhook in repository.webhooks(workspace)
        if webhook.data["state"] == "active" and kind in webhook.data["types"]
    }
    wanted = {path: deliveries.new(event.id, kind, now, webhook=one.id) for path, one in wanting.items()}
    if (home.alert_emails or kind == INVITED) and mail.is_set_up():
        wanted[repository.mail_path(workspace, event.id)] = deliveries.new(event.id, kind, now, webhook=None)
    if not wanted:
        return
    # Read once for all of them, and before they are made: Pub/Sub comes again when it cannot be read now.
    notice = notices.of(event)
    _side_by_side(_first(one, wanting.get(one.path), home, notice, now) for one in deliveries.make(wanted))


def _first(
    made: Snapshot, webhook: Snapshot | None, home: WorkspaceRead, notice: Notice, now: datetime
) -> Callable[[], None]:
    def work() -> None:
        _try(made, webhook, home, lambda: notice, now)

    return work


def _try(
    found: Snapshot, webhook: Snapshot | None, home: WorkspaceRead, read: Callable[[], Notice], now: datetime
) -> Result:
    try:
        notice = read()
        if webhook is None:
            result = _mail(deliveries.workspace_of(found), home, notice)
        else:
            result = sending.attempt(deliveries.workspace_of(found), webhook, notice)
    except Exception as error:  # noqa: BLE001 - a fault of ours counts as a try, or it would be tried for ever
        logs.error("a delivery could not be tried", error, event_id=found.id)
        result = Result(False, clock.now(), 0, error="internal", ours=True)
    deliveries.note(found, result, now, webhook=webhook)
    return result


def _mail(workspace: WorkspaceId, home: WorkspaceRead, notice: Notice) -> Result:
    """An invitation goes to whom it invites, with a link made now; everything else to those who want to be told."""
    if notice.type != INVITED:
        return mail.send(letters.of(notice, home), home.alert_emails, notice.event_id)
    invited = invitation_links.letter(workspace, str(notice.data["invitation_id"]), clock.now())
    if invited is None:
        return Result(False, clock.now(), 0, error="invitation_over", final=True)
    return mail.send(letters.invitation(invited), [invited.email], notice.event_id)


def work_off(now: datetime) -> int:
    """Try everything that is due by `now`, within SECONDS; returns how many attempts were made."""
    end, number = clock.monotonic() + SECONDS, 0
    for _ in range(MOST_PAGES):
        found = repository.due(now, PAGE)
        rows: dict[str, list[Snapshot]] = {}
        for one in found:
            rows.setdefault(one.path.rpartition("/")[0], []).append(one)
        counts: list[int] = []
        _side_by_side(_row(row, now, end, counts) for row in rows.values())
        number += sum(counts)
        if len(found) < PAGE or clock.monotonic() >= end:
            break
    return number


def _row(row: list[Snapshot], now: datetime, end: float, counts: list[int]) -> Callable[[], None]:
    def work() -> None:
        counts.append(_in_a_row(row, now, end))

    return work


def _in_a_row(row: list[Snapshot], now: datetime, end: float) -> int:
    """What is due for one receiver, one after the other until it is in trouble; returns the number of attempts."""
    workspace = deliveries.workspace_of(row[0])
    webhook = _webhook(workspace, row[0].data["webhook_id"])
    stored = firestore.get(contracts.workspace_path(workspace))
    if not stored.exists or stored.data.get("state") == "erased" or (webhook is not None and not webhook.exists):
        deliveries.drop(row)
        return 0
    if webhook is not None and webhook.data["state"] != "active":
        for one in row:
            deliveries.give_up(one, "webhook_disabled")
        return 0
    home = WorkspaceRead.model_validate(stored.data)
    number = 0
    for place, one in enumerate(row):
        if clock.monotonic() >= end:
            break
        event = events.read(workspace, one.data["event_id"])
        if event is None:
            deliveries.give_up(one, "event_expired")
            continue
        mine = deliveries.claim(one, now)
        if mine is None:
            continue
        number += 1
        if _try(mine, webhook, home, partial(notices.of, event), now).down:
            deliveries.postpone(row[place + 1 :], now)
            break
    return number


def _webhook(workspace: WorkspaceId, webhook: str | None) -> Snapshot | None:
    return None if webhook is None else firestore.get(repository.webhook_path(workspace, webhook))


def _side_by_side(works: Iterable[Callable[[], None]]) -> None:
    """Do all of it, AT_ONCE at a time, with this request's log fields and counters. What fails is due again later."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(contextvars.copy_context().run, work) for work in works]
    for one in asked:
        if (error := one.exception()) is not None:
            logs.error("a delivery broke off and will be tried again", error)
