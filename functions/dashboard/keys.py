"""API keys: made, changed, rotated and revoked by people, exchanged for tokens by programs.

A secret is stored as its hash. A rotation gives a new one and lets the one before live on for a while; its hash waits in
`previous` with its end. A second rotation in that time adds to the list, so that one whose answer was lost stops nobody.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from functions.dashboard import repository
from functions.dashboard.hashes import hash_of, is_among
from functions.dashboard.models import ApiKey, ApiKeyChange, ApiKeyWithSecret, NewApiKey, Rotation
from functions.shared import activity, contracts, directory, firestore, ids, logs, paging
from functions.shared.errors import Conflict, Invalid, NotFound, Problem, Unauthenticated
from functions.shared.firestore import Snapshot
from functions.shared.http import Call, Items, Page
from functions.shared.identity import WorkspaceId, tokens

CHALLENGE = {"WWW-Authenticate": 'Basic realm="AgentHub API keys"'}
"""What a client that may not exchange its key is asked for (RFC 6749, section 5.2)."""

USE_NOTED = timedelta(hours=1)
"""How exact the time of the last use is: so often, at most, it is written."""

MOST_PREVIOUS = 5


def keys(workspace: WorkspaceId, query: Page, now: datetime) -> Items[ApiKey]:
    """A page of the workspace's keys, the newest first, revoked ones too."""
    found, token = paging.read(
        query, contracts.path(workspace, "api_keys"), "created_at", partial(repository.api_keys, workspace)
    )
    return Items(items=[shown(key, now) for key in found], next_page_token=token)


def key(workspace: WorkspaceId, name: str, now: datetime) -> tuple[ApiKey, str]:
    """One key and its etag. Raises NotFound."""
    found = _found(workspace, name)
    return shown(found, now), found.etag


def _found(workspace: WorkspaceId, name: str) -> Snapshot:
    found = repository.read([repository.api_key_path(workspace, name)])[0] if ids.valid("api_key", name) else None
    if found is None or not found.exists:
        raise NotFound("There is no such API key.")
    return found


def shown(found: Snapshot, now: datetime) -> ApiKey:
    """A key's document as an admin sees it."""
    return ApiKey(id=found.id, **_public(found.data, now))


def _public(stored: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "name": stored["name"],
        "scopes": list(stored["scopes"]),
        "role": stored["role"],
        "created_at": stored["created_at"],
        "expires_at": stored.get("expires_at"),
        "last_used_at": stored.get("last_used_at"),
        "rotated_at": stored.get("rotated_at"),
        "old_secret_until": max((old["until"] for old in _living(stored, now)), default=None),
        "revoked_at": stored.get("revoked_at"),
    }


def _living(stored: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    return [old for old in stored.get("previous", ()) if old["until"] > now]


def _check_end(ends: datetime | None, now: datetime) -> None:
    if ends is not None and ends <= now:
        raise Invalid(errors=[{"pointer": "/expires_at", "message": "This time is over."}])


def create(call: Call, new: NewApiKey) -> ApiKeyWithSecret:
    """Make an API key; the secret is in this answer and nowhere else. Raises Invalid for an end that is over."""
    _check_end(new.expires_at, call.now)
    name, secret = call.new_id("api_key"), ids.secret()
    batch = firestore.Batch()
    directory.enter(batch, name, call.workspace, "api_key")
    stored = {
        "name": new.name,
        "scopes": list(new.scopes),
        "role": new.role,
        "secret_hash": hash_of(secret),
        "created_at": call.now,
        "expires_at": new.expires_at,
        "revoked_at": None,
    }
    batch.create(repository.api_key_path(call.workspace, name), stored)
    after = {"scopes": list(new.scopes), "role": new.role, "expires_at": new.expires_at}
    _tell(batch, call, "api_key.created", name, new.name, after=after)
    try:
        batch.commit()
    except firestore.AlreadyExists as error:
        raise Conflict(
            f"An earlier request with this Idempotency-Key made the key {name}, and its secret is shown once. Rotate it, "
            "or revoke it and make another.",
            code="already_issued",
        ) from error
    return ApiKeyWithSecret(id=name, secret=secret, **_public(stored, call.now))


def change(call: Call, name: str, changes: ApiKeyChange) -> tuple[ApiKey, str]:
    """Change what is given, in force from the key's next call on.

    Raises NotFound, firestore.Changed when the etag is stale, Conflict (`key_revoked`), Invalid for an end that is over.
    """
    found = _found(call.workspace, name)
    if call.if_match not in (None, found.etag):
        raise firestore.Changed(found.path)
    _check_living(found)
    before = {field: found.data.get(field) for field in ApiKeyChange.model_fields}
    fields = {field: value for field, value in changes.given("expires_at").items() if value != before[field]}
    _check_end(fields.get("expires_at"), call.now)
    if fields:
        batch = firestore.Batch()
        batch.update(found.path, {(field,): value for field, value in fields.items()}, if_etag=found.etag)
        shown_name = str(fields.get("name", before["name"]))
        old = {field: before[field] for field in fields}
        _tell(batch, call, "api_key.changed", name, shown_name, before=old, after=fields)
        batch.commit()
    return key(call.workspace, name, call.now)


def _check_living(found: Snapshot) -> None:
    if found.data.get("revoked_at") is not None:
        raise Conflict("This key is revoked. Make another one.", code="key_revoked")


def rotate(call: Call, name: str, rotation: Rotation) -> ApiKeyWithSecret:
    """A new secret, in this answer and nowhere else; the one before works for the overlap and is then gone.

    Raises NotFound, Conflict (`key_revoked`; `already_issued` for the repeat of a request whose answer was lost).
    """
    found = _found(call.workspace, name)
    _check_living(found)
    if found.data.get("rotated_by") == call.idempotency_id:
        raise Conflict(
            "An earlier request with this Idempotency-Key rotated the key, and its secret is shown once. The one before "
            "works for the overlap that was asked for: rotate again with another Idempotency-Key.",
            code="already_issued",
        )
    secret, until = ids.secret(), call.now + timedelta(hours=rotation.overlap_hours)
    previous = [*_living(found.data, call.now), {"secret_hash": found.data["secret_hash"], "until": until}]
    fields = {
        "secret_hash": hash_of(secret),
        "previous": [old for old in previous if old["until"] > call.now][-MOST_PREVIOUS:] if until > call.now else [],
        "rotated_at": call.now,
        "rotated_by": call.idempotency_id,
    }
    batch = firestore.Batch()
    batch.update(found.path, {(field,): value for field, value in fields.items()}, if_etag=found.etag)
    after = {"overlap_hours": rotation.overlap_hours}
    _tell(batch, call, "api_key.rotated", name, found.data["name"], after=after)
    batch.commit()
    return ApiKeyWithSecret(id=name, secret=secret, **_public({**found.data, **fields}, call.now))


def revoke(call: Call, name: str) -> None:
    """End a key at once; its tokens are refused from the next call on. One that has ended stays so. Raises NotFound."""
    found = _found(call.workspace, name)
    if found.data.get("revoked_at") is not None:
        return
    batch = firestore.Batch()
    batch.update(found.path, {("revoked_at",): call.now, ("previous",): []}, if_etag=found.etag)
    _tell(batch, call, "api_key.revoked", name, found.data["name"])
    batch.commit()


def _tell(
    batch: firestore.Batch,
    call: Call,
    action: str,
    subject: str,
    name: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    activity.record(
        batch,
        call.workspace,
        call.principal,
        action,
        kind="api_key",
        subject=subject,
        name=name,
        before=before,
        after=after,
        now=call.now,
    )


def machine_token(name: str, secret: str, now: datetime) -> tuple[str, int]:
    """Exchange a key and its secret for a token and its seconds. Raises Unauthenticated, the same for every reason."""
    refused = Unauthenticated("The key or its secret is not right.", code="invalid_client", headers=CHALLENGE)
    workspace = directory.find(name, "api_key") if ids.valid("api_key", name) else None
    if workspace is None:
        raise refused
    found = repository.read([repository.api_key_path(workspace, name)])[0]
    ends = found.data.get("expires_at")
    if (
        not is_among(secret, _hashes(found.data, now))
        or found.data.get("revoked_at") is not None
        or (ends is not None and ends <= now)
    ):
        raise refused
    issued = tokens.machine_token(workspace, name, now=now)
    _note_use(found, now)
    return issued


def _hashes(stored: Mapping[str, Any], now: datetime) -> Iterator[str]:
    yield str(stored.get("secret_hash", ""))
    for old in _living(stored, now):
        yield str(old["secret_hash"])


def _note_use(found: Snapshot, now: datetime) -> None:
    """Once in USE_NOTED, and never at the price of the token."""
    before = found.data.get("last_used_at")
    if before is not None and now - before < USE_NOTED:
        return
    batch = firestore.Batch()
    batch.update(found.path, {("last_used_at",): now})
    try:
        batch.commit()
    except (firestore.Changed, Problem) as error:
        logs.warning("The use of a key was not noted", reason=type(error).__name__)
