"""Exports as they are asked for and shown: a request is stored and published, the job (`exporting.py`) does the rest."""

from datetime import UTC, datetime, timedelta
from typing import Any

from functions.analytics import repository
from functions.analytics.export_models import KEPT, NEEDS, Export, Kind, NewExport, StoredExport, file_name
from functions.shared import activity, clock, contracts, digests, events, firestore, ids, paging, storage
from functions.shared.config import settings
from functions.shared.errors import Forbidden, NotFound, TooMany
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.http import Call, Items, Page
from functions.shared.identity import Role, WorkspaceId

MOST_AT_ONCE = 3
"""Exports of one workspace that wait or run. Two requests in the same moment may go beyond it by one; nothing breaks."""

STUCK = timedelta(hours=6)
"""An export that has not moved for so long keeps nobody from asking for another."""

URL_LIFETIME = timedelta(minutes=15)

_CLAIMS = ("iss", "aud", "sub", "email", "name", "workspace_id")


def request(call: Call, body: NewExport) -> tuple[Export, str]:
    """Ask for an export; returns it with its etag. A repeat of the call gives the same one.

    Raises Forbidden when the role does not reach, NotFound for an agent that is not there, TooMany.
    """
    _check_role(call, body.kind)
    workspace, name = call.workspace, call.new_id("export")
    if body.agent_id is not None and not (
        ids.valid("agent", body.agent_id) and repository.agent(workspace, body.agent_id).exists
    ):
        raise NotFound("There is no such agent.")
    running = repository.unfinished_exports(workspace, MOST_AT_ONCE * 10)
    if sum(one.data["updated_at"] > call.now - STUCK for one in running if one.id != name) >= MOST_AT_ONCE:
        raise TooMany(
            f"{MOST_AT_ONCE} exports are under way. Wait for one of them.", retry_after=60, code="exports_running"
        )
    stored = StoredExport(
        kind=body.kind,
        format=body.chosen,
        from_=_utc(body.from_),
        to=_utc(body.to),
        agent_id=body.agent_id,
        requested_by=call.principal.actor,
        claims={key: call.principal.claims[key] for key in _CLAIMS if key in call.principal.claims},
        created_at=call.now,
        updated_at=call.now,
        expire_at=call.now + KEPT,
    )
    batch = firestore.Batch()
    batch.create(repository.export_path(workspace, name), stored.model_dump(by_alias=True))
    asked = body.model_dump(mode="json", by_alias=True, exclude_none=True)
    activity.record(
        batch,
        workspace,
        call.principal,
        "export.requested",
        kind="export",
        subject=name,
        name=file_name(stored),
        after={**asked, "format": body.chosen},
        now=call.now,
    )
    event = _requested(workspace, name, call.now)
    events.record(batch, event, now=call.now)
    try:
        etag = batch.commit()[repository.export_path(workspace, name)]
    except firestore.AlreadyExists:
        return show(call, name)
    events.publish(event)
    return _shown(name, stored, call.now), etag


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _requested(workspace: WorkspaceId, export: str, now: datetime) -> Event:
    row: dict[str, Any] = {
        "event_id": f"evt_{ids.hashed('export-requested', export)}",
        "type": "export.requested",
        "workspace_id": str(workspace),
        "export_id": export,
        "occurred_at": clock.to_text(now),
        "recorded_at": clock.to_text(now),
    }
    row["digest"] = digests.leaf(row)
    return Event(workspace, "export-requested", row["event_id"], row)


def show(call: Call, export: str) -> tuple[Export, str]:
    """An export with its etag, and when it is done with an address of its file. Raises NotFound, Forbidden."""
    found = repository.export(call.workspace, export) if ids.valid("export", export) else None
    if found is None or not found.exists:
        raise NotFound("There is no such export.")
    stored = StoredExport.model_validate(found.data)
    if stored.expire_at <= call.now:
        # Its file is gone; the document follows within a day.
        raise NotFound("There is no such export.")
    _check_role(call, stored.kind)
    return _shown(found.id, stored, call.now), found.etag


def listed(call: Call, query: Page) -> Items[Export]:
    """The latest first, without addresses; those that the caller may not have are left out, so a page may be short."""
    after = paging.place_of(query.page_token, contracts.path(call.workspace, "exports"))
    found = repository.exports(call.workspace, query.page_size + 1, after)
    page = found[: query.page_size]
    items = [_listed(one) for one in page if _may(call, one.data["kind"]) and one.data["expire_at"] > call.now]
    more = len(found) > len(page)
    return Items(items=items, next_page_token=paging.next_token(page[-1], "created_at") if more else None)


def _listed(found: Snapshot) -> Export:
    return _fields(found.id, StoredExport.model_validate(found.data))


def _shown(name: str, stored: StoredExport, now: datetime) -> Export:
    shown = _fields(name, stored)
    if stored.state != "done" or stored.object is None:
        return shown
    lifetime = min(URL_LIFETIME, stored.expire_at - now)
    address = storage.signed_url(settings().exports_bucket, stored.object, lifetime=lifetime)
    return shown.model_copy(update={"url": address, "url_expires_at": now + lifetime})


def _fields(name: str, stored: StoredExport) -> Export:
    kept = stored.model_dump(include=Export.model_fields.keys() & StoredExport.model_fields.keys())
    return Export(id=name, file_name=file_name(stored), expires_at=stored.expire_at, **kept)


def _may(call: Call, kind: Kind) -> bool:
    held = call.principal.role
    return held is not None and held.allows(NEEDS.get(kind, Role.MEMBER))


def _check_role(call: Call, kind: Kind) -> None:
    if not _may(call, kind):
        needed = NEEDS.get(kind, Role.MEMBER)
        raise Forbidden(f"This needs the role {needed}; yours is {call.principal.role}.", code="role_too_low")
