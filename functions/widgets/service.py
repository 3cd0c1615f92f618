"""Widgets as their owners make, change, embed and delete them; each change is published before it is answered."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import Any

from functions.shared import activity, contracts, directory, firestore, ids, logs, paging
from functions.shared.config import settings
from functions.shared.contracts import FleetRead
from functions.shared.errors import Conflict, Invalid, NotFound, Unavailable
from functions.shared.http import Call, Items, Page
from functions.shared.identity import WorkspaceId
from functions.widgets import avatars, embedding, identities, palette, public_files, repository
from functions.widgets.models import (
    NULLABLE,
    Embed,
    IdentityRotation,
    IdentitySecret,
    ListedWidget,
    NewWidget,
    Widget,
    WidgetChange,
    WidgetPreview,
    WidgetUse,
)

AT_ONCE = 10
"""Widgets that are asked for their last conversation at the same time."""


def create(call: Call, new: NewWidget) -> tuple[Widget, str]:
    """Make a widget and its public file. Raises Invalid when there is no such agent, or no more."""
    _embeddable(call.workspace, new.agent_id)
    _signed_for(new.identity_required, ())
    widget = call.new_id("widget")
    data = {**new.model_dump(), "created_at": call.now, "updated_at": call.now, "deleted_at": None}
    batch = firestore.Batch()
    directory.enter(batch, widget, call.workspace, "widget")
    batch.create(repository.widget_path(call.workspace, widget), data)
    _tell(batch, call, "widget.created", widget, new.name, after={"allowed_origins": data["allowed_origins"]})
    path = repository.widget_path(call.workspace, widget)
    try:
        saved = firestore.Snapshot(path, data, batch.commit()[path])
    except firestore.AlreadyExists:
        # Made by an earlier request with this key, whose answer was lost.
        saved = _found(call, widget)
    try:
        public_files.publish(call.workspace, saved)
    except Unavailable as error:
        # It is made; looking at its embed code writes the file again.
        logs.error("a new widget's public file could not be written", error, widget=widget)
    return public_files.shown_of(widget, saved.data), saved.etag


def _embeddable(workspace: WorkspaceId, agent: str) -> None:
    """A widget that has a deleted agent already keeps it, since it may be restored; no other one gets it."""
    public_files.agent_of(workspace, agent)
    fleet = FleetRead.model_validate(firestore.get(contracts.path(workspace, "fleet", agent)).data)
    if fleet.deleted_at is not None:
        message = "This agent is deleted. Restore it first, or choose another one."
        raise Invalid(errors=[{"pointer": "/agent_id", "message": message}])


def _signed_for(required: bool, keys: Sequence[Any]) -> None:
    """A widget that demands an identity which nothing could prove would be shut for everybody."""
    if required and not keys:
        message = "Make a secret first (identity-secret/rotate): without one no visitor can be signed for."
        raise Invalid(errors=[{"pointer": "/identity_required", "message": message}])


def _tell(batch: firestore.Batch, call: Call, action: str, widget: str, name: str, **changed: Any) -> None:
    activity.record(
        batch,
        call.workspace,
        call.principal,
        action,
        kind="widget",
        subject=widget,
        name=name,
        now=call.now,
        **changed,
    )


def get(call: Call, widget: str) -> tuple[Widget, str]:
    """One widget and its etag. Raises NotFound."""
    found = _found(call, widget)
    return public_files.shown_of(widget, found.data), found.etag


def _found(call: Call, widget: str) -> firestore.Snapshot:
    found = firestore.get(repository.widget_path(call.workspace, widget)) if ids.valid("widget", widget) else None
    if found is None or not found.exists or found.data.get("deleted_at") is not None:
        raise NotFound("There is no such widget.")
    return found


def listed(call: Call, page: Page, *, use: bool = False) -> Items[ListedWidget]:
    """The widgets, the newest first; with `use` also when each was last used.

    That costs one read for each widget shown, however many conversations there are, and no write: a time kept in the
    widget's document would be one more write for each turn, all of a busy widget's to the same document, and the
    counters that turns pay for already know no widgets. So it is read when somebody looks, which is seldom.
    """
    after = paging.place_of(page.page_token, contracts.path(call.workspace, "widgets"))
    found = repository.widgets(call.workspace, page.page_size + 1, after)
    more = len(found) > page.page_size
    shown = found[: page.page_size]
    uses = _uses(call.workspace, [one.id for one in shown]) if use else {}
    return Items(
        items=[ListedWidget(**dict(public_files.shown_of(one.id, one.data)), use=uses.get(one.id)) for one in shown],
        next_page_token=paging.next_token(shown[-1], "created_at") if more else None,
    )


def _uses(workspace: WorkspaceId, widgets: Sequence[str]) -> dict[str, WidgetUse]:
    with ThreadPoolExecutor(AT_ONCE, "uses") as pool:
        asked = {
            widget: pool.submit(copy_context().run, repository.last_conversation, workspace, widget)
            for widget in widgets
        }
        return {widget: WidgetUse(last_conversation_at=found.result()) for widget, found in asked.items()}


def change(call: Call, widget: str, changes: WidgetChange) -> tuple[Widget, str]:
    """Change what is given and publish it. Raises NotFound, Invalid, and firestore.Changed when the etag is stale."""
    found = _found(call, widget)
    fields = {
        name: value
        for name, value in changes.model_dump(exclude_unset=True).items()
        if value is not None or name in NULLABLE
    }
    data = {**found.data, **fields, "updated_at": call.now}
    if data["agent_id"] != found.data["agent_id"]:
        _embeddable(call.workspace, data["agent_id"])
    if fields.get("identity_required"):
        _signed_for(True, identities.live(list(data.get("identity_keys") or ()), call.now))
    batch = firestore.Batch()
    batch.replace(found.path, data, if_etag=call.if_match or found.etag)
    before = {name: found.data.get(name) for name in fields}
    _tell(batch, call, "widget.changed", widget, data["name"], before=before, after=fields)
    etag = batch.commit()[found.path]
    public_files.publish(call.workspace, firestore.Snapshot(found.path, data, etag))
    return public_files.shown_of(widget, data), etag


def delete(call: Call, widget: str) -> None:
    """Take the widget off every page: its public file is gone at once, its turns are refused.

    Raises NotFound, firestore.Changed when the etag is stale, Unavailable when the file could not be taken away: then a
    repeat does it, and says NotFound.
    """
    try:
        found = _found(call, widget)
    except NotFound:
        if ids.valid("widget", widget) and firestore.get(repository.widget_path(call.workspace, widget)).exists:
            public_files.take_away(widget)
        raise
    batch = firestore.Batch()
    batch.replace(found.path, {**found.data, "deleted_at": call.now}, if_etag=call.if_match or found.etag)
    directory.remove(batch, widget)
    _tell(batch, call, "widget.deleted", widget, found.data["name"])
    batch.commit()
    public_files.take_away(widget)
    avatars.delete(list(found.data.get("avatars") or ()))


def embed(call: Call, widget: str) -> Embed:
    """The code for a site; looking at it writes the public file once more, which repairs one that was not written."""
    found = _found(call, widget)
    public_files.publish(call.workspace, found)
    cdn = settings().cdn_url
    return embedding.code(
        widget,
        cdn=cdn,
        api=settings().public_url,
        chat=settings().chat_url,
        origins=found.data["allowed_origins"],
        pin=embedding.pinned(cdn),
    )


def preview(call: Call, new: NewWidget) -> WidgetPreview:
    """The public file that settings would give, and what is hard to read in them; nothing is stored. Raises Invalid."""
    agent = public_files.agent_of(call.workspace, new.agent_id)
    return WidgetPreview(public=public_files.content("preview", new, agent), warnings=palette.warnings(new.theme))


def set_avatar(call: Call, widget: str, content: bytes) -> tuple[Widget, str]:
    """Draw the picture anew and show it from now on. Raises NotFound, Invalid, Unavailable, firestore.Changed.

    The document names the picture before it is in the bucket. When it does not get there, the widget shows its initial
    until the same is sent again.
    """
    found = _found(call, widget)
    picture = avatars.drawn(content)
    name = avatars.name_of(widget, picture)
    changed, etag = _with_avatar(call, found, name)
    avatars.write(name, picture)
    return _shown_anew(call, changed, etag)


def take_avatar(call: Call, widget: str) -> tuple[Widget, str]:
    """Show the initial of the name again. Raises NotFound, Unavailable, firestore.Changed."""
    changed, etag = _with_avatar(call, _found(call, widget), None)
    return _shown_anew(call, changed, etag)


def _with_avatar(call: Call, found: firestore.Snapshot, name: str | None) -> tuple[firestore.Snapshot, str]:
    data = {**found.data, **avatars.exchanged(found, name), "updated_at": call.now}
    batch = firestore.Batch()
    batch.replace(found.path, data, if_etag=call.if_match or found.etag)
    _tell(batch, call, "widget.avatar_set" if name else "widget.avatar_removed", found.id, data["name"])
    etag = batch.commit()[found.path]
    return firestore.Snapshot(found.path, data, etag), etag


def _shown_anew(call: Call, saved: firestore.Snapshot, etag: str) -> tuple[Widget, str]:
    public_files.publish(call.workspace, saved)
    # The file names the new picture by now: nobody is sent to an old one.
    avatars.delete([old for old in saved.data["avatars"] if old != saved.data["avatar"]])
    return public_files.shown_of(saved.id, saved.data), etag


def rotate_identity(call: Call, widget: str, rotation: IdentityRotation) -> IdentitySecret:
    """Make a secret with which the site signs for its visitors; the one before counts a while longer.

    A repeat with the same key finds the same secret and changes nothing, since a further rotation would shut out whom the
    site signs for. Raises NotFound, Unavailable (`no_installation_key`), and Conflict (`rotated_since`) for the repeat
    of a request that may have rotated, when another one has done so since.
    """
    found, by = _found(call, widget), call.idempotency_id
    before = list(found.data.get("identity_keys") or ())
    made = identities.made_by(before, by)
    if made is not None:
        return IdentitySecret(id=made, secret=identities.secret_of(widget, made), keys=identities.shown(before))
    if call.repeated and call.first_at is not None and before and before[0]["created_at"] > call.first_at:
        # Ours may be one of those that ended since: it must not count again, nor cost the latest one its place.
        raise Conflict(
            "The secret was rotated again since this request was first sent. Rotate with another Idempotency-Key if the "
            "one that counts now is not known to the site.",
            code="rotated_since",
        )
    keys = identities.rotated(before, timedelta(hours=rotation.overlap_hours), call.now, by=by)
    new = keys[0]["id"]
    secret = identities.secret_of(widget, new)
    batch = firestore.Batch()
    batch.replace(found.path, {**found.data, "identity_keys": keys, "updated_at": call.now}, if_etag=found.etag)
    _tell(batch, call, "widget.identity_rotated", widget, found.data["name"], after={"key": new})
    batch.commit()
    return IdentitySecret(id=new, secret=secret, keys=identities.shown(keys))
