"""Webhooks as their owners handle them: made, changed, given a new secret, taken away."""

from functools import partial
from typing import Any
from urllib.parse import urlsplit

from functions.dashboard import outgoing, repository, signing
from functions.dashboard.webhook_models import NewWebhook, Webhook, WebhookChange, WebhookWithSecret
from functions.shared import activity, contracts, firestore, ids, paging
from functions.shared.config import settings
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Call, Items, Page
from functions.shared.identity import WorkspaceId

MOST = 20
"""Webhooks of one workspace. Two that are made at the same moment may both be the last."""


def create(call: Call, new: NewWebhook) -> tuple[WebhookWithSecret, str]:
    """Make one, with the secret that is shown now and never again. Raises Invalid, Conflict, signing.NotSetUp.

    An earlier request with the same key, whose answer was lost, finds the same webhook and the same secret.
    """
    _allowed(new.url)
    if repository.count_webhooks(call.workspace) >= MOST:
        raise Conflict(f"A workspace has {MOST} webhooks at most.", code="too_many_webhooks")
    path, by = repository.webhook_path(call.workspace, call.new_id("webhook")), call.idempotency_id
    data: dict[str, Any] = {
        "name": new.name,
        "url": new.url,
        "types": list(new.types),
        "state": "active",
        "disabled_reason": None,
        "failing_since": None,
        "keys": [signing.new_version(call.now, by=by)],
        "created_at": call.now,
        "updated_at": call.now,
    }
    batch = firestore.Batch()
    batch.create(path, data)
    _tell(batch, call, "webhook.created", Snapshot(path, data, ""), after=_public(data))
    try:
        saved = Snapshot(path, data, batch.commit()[path])
    except firestore.AlreadyExists:
        saved = firestore.get(path)
    made = [version for version in saved.data.get("keys", ()) if version["by"] == by]
    if not made:
        raise Conflict(
            "An earlier request with this Idempotency-Key made it; rotate its secret.", code="already_issued"
        )
    return _with_secret(call.workspace, saved, made[0]), saved.etag


def listed(workspace: WorkspaceId, query: Page) -> Items[Webhook]:
    """A page of them, the oldest first."""
    found, token = paging.read(
        query, contracts.path(workspace, "webhooks"), "created_at", partial(repository.webhooks, workspace)
    )
    return Items(items=[shown(one) for one in found], next_page_token=token)


def get(call: Call, webhook: str) -> tuple[Webhook, str]:
    """One and its etag. Raises NotFound."""
    found = find(call.workspace, webhook)
    return shown(found), found.etag


def find(workspace: WorkspaceId, webhook: str) -> Snapshot:
    """The stored webhook. Raises NotFound."""
    found = firestore.get(repository.webhook_path(workspace, webhook)) if ids.valid("webhook", webhook) else None
    if found is None or not found.exists:
        raise NotFound("There is no such webhook.")
    return found


def change(call: Call, webhook: str, changes: WebhookChange) -> tuple[Webhook, str]:
    """Change what is given. Raises NotFound, Invalid, and firestore.Changed when the etag is stale."""
    found = find(call.workspace, webhook)
    if call.if_match not in (None, found.etag):
        raise firestore.Changed(found.path)
    fields = changes.model_dump(exclude_none=True)
    if "url" in fields:
        _allowed(fields["url"])
    if "types" in fields:
        fields["types"] = list(fields["types"])
    if (enabled := fields.pop("enabled", None)) is not None and enabled != (found.data["state"] == "active"):
        fields["state"] = "active" if enabled else "disabled"
        fields |= {"disabled_reason": None if enabled else "by_hand", "failing_since": None}
    fields = {name: value for name, value in fields.items() if value != found.data.get(name)}
    if not fields:
        return shown(found), found.etag
    data = {**found.data, **fields, "updated_at": call.now}
    before, after = _public(found.data), _public(data)
    differing = [name for name in after if before[name] != after[name]]
    batch = firestore.Batch()
    batch.update(found.path, {(n,): data[n] for n in (*fields, "updated_at")}, if_etag=call.if_match or found.etag)
    _tell(
        batch,
        call,
        "webhook.changed",
        Snapshot(found.path, data, ""),
        before={name: before[name] for name in differing},
        after={name: after[name] for name in differing},
    )
    saved = Snapshot(found.path, data, batch.commit()[found.path])
    return shown(saved), saved.etag


def delete(call: Call, webhook: str) -> None:
    """Take it away; what waits for it is dropped when its time comes. Raises NotFound, firestore.Changed."""
    found = find(call.workspace, webhook)
    batch = firestore.Batch()
    batch.delete(found.path, if_etag=call.if_match or found.etag)
    _tell(batch, call, "webhook.deleted", found, before=_public(found.data))
    batch.commit()


def rotate(call: Call, webhook: str) -> tuple[WebhookWithSecret, str]:
    """A new secret, shown now and never again; the one before signs beside it for a day, older ones no longer.

    So a secret that got out ends at once by rotating twice. A repeat with the same key finds the same secret. Raises
    NotFound, signing.NotSetUp.
    """
    known, by = find(call.workspace, webhook), call.idempotency_id
    path = known.path

    def work(batch: firestore.Batch, known: list[Snapshot]) -> dict[str, Any]:
        (found,) = known
        if not found.exists:
            raise NotFound("There is no such webhook.")
        for version in found.data["keys"]:
            if version["by"] == by:
                return dict(version)
        new = signing.new_version(call.now, by=by)
        keys = signing.rotated(found.data["keys"], new, call.now)
        batch.update(path, {("keys",): keys, ("updated_at",): call.now}, if_etag=found.etag)
        _tell(batch, call, "webhook.secret_rotated", found)
        return new

    # A delivery may change the same document at this moment, which changes nothing here.
    version = firestore.compete([path], [known], work)
    saved = find(call.workspace, webhook)
    return _with_secret(call.workspace, saved, version), saved.etag


def _allowed(url: str) -> None:
    """Refuse at once what would be refused at every delivery; where a name leads is looked at then."""
    if settings().webhook_allow_private:
        return
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise Invalid(errors=[{"pointer": "/url", "message": "Webhooks go to https:// only."}])
    try:
        known = outgoing.public(parts.hostname or "")
    except ValueError:
        known = True  # A name.
    if not known:
        raise Invalid(errors=[{"pointer": "/url", "message": "This address is not on the public internet."}])


def _with_secret(workspace: WorkspaceId, found: Snapshot, version: dict[str, Any]) -> WebhookWithSecret:
    secret = signing.secret_of(workspace, found.id, version)
    return WebhookWithSecret(**shown(found).model_dump(), secret=secret)


def shown(found: Snapshot) -> Webhook:
    """A stored webhook as its owner sees it."""
    data = found.data
    return Webhook(
        id=found.id,
        previous_secret_until=data["keys"][1]["until"] if len(data["keys"]) > 1 else None,
        **{name: data[name] for name in Webhook.model_fields if name not in ("id", "previous_secret_until")},
    )


def _public(data: dict[str, Any]) -> dict[str, Any]:
    """What the feed may show, which everybody in the workspace reads: of the URL the host, for its path may be secret."""
    host = urlsplit(data["url"]).hostname
    return {"name": data["name"], "host": host, "types": list(data["types"]), "state": data["state"]}


def _tell(batch: firestore.Batch, call: Call, action: str, webhook: Snapshot, **changed: Any) -> None:
    activity.record(
        batch,
        call.workspace,
        call.principal,
        action,
        kind="webhook",
        subject=webhook.id,
        name=webhook.data["name"] or str(urlsplit(webhook.data["url"]).hostname),
        now=call.now,
        **changed,
    )
