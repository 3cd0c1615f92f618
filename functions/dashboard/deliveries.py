"""Deliveries: what is to be sent where, when it is tried again, and what became of it; never what it said.

A delivery is made before its first attempt and is due again after LEASE, so one whose attempt was cut off is tried
again: at least once, under the same `webhook-id`. An attempt's end is one commit: the delivery, and the health of its
webhook when that has changed. All times of the back-off are those of the run, not of the clock.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.shared import activity, clock, firestore
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory

WAITS = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""From each failed attempt to the next, after the schedule that Standard Webhooks recommends; 3 days 3.6 hours in all."""

LEASE = timedelta(minutes=5)
"""How long an attempt may take before somebody else makes the next one."""

KEPT = timedelta(days=30)
FAILING = timedelta(days=3)
"""A webhook that has failed for so long, without one success between, is disabled."""

LONGEST_WISH = timedelta(hours=24)
"""As far as a receiver's Retry-After is followed."""

_ATTEMPTS_KEPT = 20


@dataclass(frozen=True, slots=True)
class Result:
    """How one attempt ended; `error` is a class of reasons.

    `final`: no repetition will help. `ours`: the fault is on our side, and the webhook is not held for it.
    """

    ok: bool
    at: datetime
    latency_ms: int
    status: int | None = None
    error: str | None = None
    retry_after: int | None = None
    final: bool = False
    ours: bool = False

    @property
    def down(self) -> bool:
        """Whether the receiver as a whole is in trouble, so that what else waits for it waits, too."""
        return not self.ok and (self.status is None or self.status == 429 or self.status >= 500)


def new(event_id: str, kind: str, now: datetime, *, webhook: str | None) -> dict[str, Any]:
    """The document of a delivery that is about to be tried; without a webhook it is a mail."""
    return {
        "event_id": event_id,
        "type": kind,
        "webhook_id": webhook,
        "state": "pending",
        "tries": 0,
        "attempts": [],
        "reason": None,
        "due_at": now + LEASE,
        "created_at": now,
        "delivered_at": None,
        "expire_at": now + KEPT,
    }


def make(wanted: Mapping[str, dict[str, Any]]) -> list[Snapshot]:
    """Store those deliveries that are not there yet, by path, and return them: they are the caller's to try."""
    batch = firestore.Batch()
    for path, data in wanted.items():
        batch.create(path, data)
    try:
        etags = batch.commit()
    except firestore.AlreadyExists:
        if len(wanted) == 1:
            return []
        # The event came before, and not all of them were made then; or a webhook was added since.
        return [made for path, data in wanted.items() for made in make({path: data})]
    return [Snapshot(path, data, etags[path]) for path, data in wanted.items()]


def claim(found: Snapshot, now: datetime) -> Snapshot | None:
    """Take a due delivery for one attempt; None when somebody else has it."""
    batch = firestore.Batch()
    batch.update(found.path, {("due_at",): now + LEASE}, if_etag=found.etag)
    try:
        etag = batch.commit()[found.path]
    except firestore.Changed:
        return None
    return Snapshot(found.path, {**found.data, "due_at": now + LEASE}, etag)


def workspace_of(found: Snapshot) -> WorkspaceId:
    """Whose delivery it is."""
    return from_directory(found.path.split("/")[1])


def note(
    found: Snapshot, result: Result, now: datetime, *, webhook: Snapshot | None = None, extra: bool = False
) -> None:
    """Keep what an attempt came to, and what that means for its webhook.

    `extra` is an attempt that a person asked for: a failure of it changes neither when the next one comes nor what the
    webhook is held for.
    """
    paths = [found.path] + ([webhook.path] if webhook is not None else [])

    def work(batch: firestore.Batch, known: list[Snapshot]) -> None:
        delivery, *owner = known
        if not delivery.exists:
            return
        fields = _after(delivery, result, now, extra=extra)
        batch.update(delivery.path, {(name,): value for name, value in fields.items()}, if_etag=delivery.etag)
        for one in owner:
            if one.exists and (result.ok or not (extra or result.ours)):
                _health(batch, one, result, now)

    firestore.compete(paths, [found] + ([webhook] if webhook is not None else []), work)


def _after(delivery: Snapshot, result: Result, now: datetime, *, extra: bool) -> dict[str, Any]:
    data = delivery.data
    attempt = {"at": result.at, "status": result.status, "latency_ms": result.latency_ms, "error": result.error}
    fields: dict[str, Any] = {"attempts": [*data["attempts"], attempt][-_ATTEMPTS_KEPT:]}
    if result.ok:
        return {**fields, "state": "delivered", "delivered_at": now, "reason": None, "due_at": firestore.DELETE}
    if extra or data["state"] != "pending":
        return fields
    tries = data["tries"] + 1
    again = None if result.final else next_due(delivery.path, tries, now, result.retry_after)
    fields["tries"] = tries
    if again is not None:
        return {**fields, "due_at": again}
    reason = result.error if result.final else "retries_used_up"
    return {**fields, "state": "failed", "reason": reason, "due_at": firestore.DELETE}


def next_due(name: str, tries: int, now: datetime, retry_after: int | None = None) -> datetime | None:
    """When to try again after so many failed attempts, None when it is enough.

    Up to a tenth is added, by the delivery's name, so that what failed together does not come back together.
    """
    if tries > len(WAITS):
        return None
    wait = WAITS[tries - 1]
    wait += wait * (zlib.crc32(f"{name} {tries}".encode()) % 101) / 1000
    if retry_after is not None:
        wait = max(wait, min(timedelta(seconds=retry_after), LONGEST_WISH))
    return now + wait


def _health(batch: firestore.Batch, webhook: Snapshot, result: Result, now: datetime) -> None:
    since = webhook.data.get("failing_since")
    if result.ok:
        if since is not None:
            batch.update(webhook.path, {("failing_since",): None}, if_etag=webhook.etag)
        return
    reason = "gone" if result.status == 410 else "failing" if since is not None and now - since >= FAILING else None
    if webhook.data["state"] == "disabled" or (reason is None and since is not None):
        return
    fields: dict[firestore.FieldPath, Any] = {("failing_since",): since or now}
    if reason is not None:
        fields |= {("state",): "disabled", ("disabled_reason",): reason, ("updated_at",): now}
        activity.record(
            batch,
            from_directory(webhook.path.split("/")[1]),
            None,
            "webhook.disabled",
            kind="webhook",
            subject=webhook.id,
            name=webhook.data["name"],
            before={"state": "active"},
            after={"state": "disabled", "reason": reason, "failing_since": clock.to_text(since or now)},
            now=now,
        )
    batch.update(webhook.path, fields, if_etag=webhook.etag)


def give_up(found: Snapshot, reason: str) -> None:
    """End a delivery without an attempt; it can still be sent by hand."""
    batch = firestore.Batch()
    fields: dict[firestore.FieldPath, Any] = {("state",): "failed", ("reason",): reason, ("due_at",): firestore.DELETE}
    batch.update(found.path, fields, if_etag=found.etag)
    _commit_unless_changed(batch)


def drop(found: Sequence[Snapshot]) -> None:
    """Forget deliveries whose webhook is gone."""
    firestore.delete_tree(one.path for one in found)


def postpone(found: Sequence[Snapshot], now: datetime) -> None:
    """Let what else waits for a receiver in trouble wait for the next but one run, without counting it as a try."""
    for start in range(0, len(found), firestore.MAX_WRITES):
        batch = firestore.Batch()
        for one in found[start : start + firestore.MAX_WRITES]:
            batch.update(one.path, {("due_at",): now + WAITS[0] * 3}, if_etag=one.etag)
        _commit_unless_changed(batch)


def _commit_unless_changed(batch: firestore.Batch) -> None:
    try:
        batch.commit()
    except firestore.Changed:
        # Somebody else has one of them; the others are due still and come with the next run.
        return
