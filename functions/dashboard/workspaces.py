"""Founding, finding and switching workspaces, and the keys and members of one."""

import hashlib
import hmac
import re
from datetime import datetime

from functions.dashboard import people, repository
from functions.dashboard.models import (
    ApiKey,
    ApiKeyWithSecret,
    Member,
    NewApiKey,
    NewWorkspace,
    Workspace,
    WorkspaceChange,
)
from functions.shared import activity, contracts, directory, etags, firestore, ids, plans, words
from functions.shared.contracts import WorkspaceRead
from functions.shared.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId, tokens
from functions.shared.identity.authenticate import workspace_of_member
from functions.shared.identity.workspace import founded, from_directory

CHALLENGE = {"WWW-Authenticate": 'Basic realm="AgentHub API keys"'}
"""What a client that may not exchange its key is asked for (RFC 6749, section 5.2)."""


def create(call: Call, new: NewWorkspace) -> tuple[Workspace, str]:
    """Make the person's workspace: entry, workspace, owner and activity in one commit, then the claim.

    A person founds one workspace: a repeat, with or without a key, finds it and sets the claim again. Raises Forbidden
    until the person's address is verified (MONEY 15), Invalid for a currency in which no plan is published.
    """
    if call.principal.claims.get("email_verified") is not True:
        raise Forbidden("Open the link in the mail that we sent you first.", code="email_not_verified")
    uid = call.principal.subject
    workspace = directory.find(uid, "person")
    if workspace is None:
        if all(terms.currency != new.currency for terms in plans.published_plans(call.now)):
            raise Invalid(errors=[{"pointer": "/currency", "message": f"No plan is published in {new.currency} yet."}])
        workspace = founded()
        batch = firestore.Batch()
        directory.enter(batch, uid, workspace, "person")
        batch.create(
            contracts.workspace_path(workspace),
            {
                "name": new.name,
                "code": code(new.name),
                "country": new.country,
                "currency": new.currency,
                "time_zone": new.time_zone,
                "state": "active",
                "created_at": call.now,
            },
        )
        batch.create(
            repository.member_path(workspace, uid),
            {
                "uid": uid,
                "role": "owner",
                "email": call.principal.email,
                "name": call.principal.name,
                "workspace_id": str(workspace),
                "since": call.now,
            },
        )
        activity.record(
            batch,
            workspace,
            call.principal,
            "workspace.created",
            kind="workspace",
            subject=str(workspace),
            name=new.name,
            now=call.now,
        )
        try:
            batch.commit()
        except firestore.AlreadyExists:
            # The same person at the same time: the first one counts.
            first = directory.find(uid, "person")
            assert first is not None
            workspace = first
    people.set_workspace(uid, str(workspace))
    return show(call, workspace)


def show(call: Call, workspace: WorkspaceId) -> tuple[Workspace, str]:
    """A workspace with the caller's role in it, and the etag of both."""
    home, member = repository.read(
        [contracts.workspace_path(workspace), repository.member_path(workspace, call.principal.subject)]
    )
    role = str(call.principal.role or member.data["role"])
    return shown(home, role), etags.showing(home.etag, role)


def mine(call: Call) -> list[Workspace]:
    """Every workspace that the person belongs to."""
    memberships = repository.memberships(call.principal.subject)
    workspaces = [from_directory(member.path.split("/")[1]) for member in memberships]
    homes = repository.read([contracts.workspace_path(workspace) for workspace in workspaces])
    return [shown(home, member.data["role"]) for home, member in zip(homes, memberships, strict=True) if home.exists]


def switch(call: Call, name: str) -> tuple[Workspace, str]:
    """Set the claim to another of the person's workspaces. Raises NotFound when it is not theirs."""
    workspace, _ = workspace_of_member(call.principal, name)
    people.set_workspace(call.principal.subject, str(workspace))
    return show(call, workspace)


def change(call: Call, changes: WorkspaceChange) -> tuple[Workspace, str]:
    """Change what is given. Raises firestore.Changed when the etag is stale."""
    home = firestore.get(contracts.workspace_path(call.workspace))
    before, demanded = home.data, etags.of_document(call.if_match) or home.etag
    if demanded != home.etag:
        raise firestore.Changed(home.path)
    fields = {name: value for name, value in changes.model_dump(exclude_none=True).items() if value != before.get(name)}
    if not fields:
        return show(call, call.workspace)
    batch = firestore.Batch()
    batch.update(home.path, {(name,): value for name, value in fields.items()}, if_etag=demanded)
    activity.record(
        batch,
        call.workspace,
        call.principal,
        "workspace.changed",
        kind="workspace",
        subject=str(call.workspace),
        name=str(fields.get("name", before["name"])),
        before={name: before.get(name) for name in fields},
        after=fields,
        now=call.now,
    )
    batch.commit()
    return show(call, call.workspace)


def code(name: str) -> str:
    """The letters that a workspace's invoice numbers begin with: up to six of its name's, `AH` when it has none."""
    return re.sub(r"[^A-Z0-9]", "", words.folded(name).upper())[:6] or "AH"


def shown(home: firestore.Snapshot, role: str) -> Workspace:
    """A workspace's document as its members see it."""
    known = WorkspaceRead.model_validate(home.data)
    return Workspace(
        id=home.id,
        name=known.name,
        code=known.code,
        country=home.data.get("country"),
        currency=known.currency,
        time_zone=known.time_zone,
        state=known.state,
        role=role,
        created_at=known.created_at,
    )


def members(workspace: WorkspaceId) -> list[Member]:
    """Everybody in the workspace."""
    return [
        Member(
            id=member.id,
            email=member.data.get("email", ""),
            name=member.data.get("name", ""),
            role=member.data["role"],
            since=member.data["since"],
        )
        for member in repository.members(workspace)
    ]


def create_key(call: Call, new: NewApiKey) -> ApiKeyWithSecret:
    """Make an API key; the secret is in this answer and nowhere else."""
    key, secret = call.new_id("api_key"), ids.secret()
    batch = firestore.Batch()
    directory.enter(batch, key, call.workspace, "api_key")
    stored = {
        "name": new.name,
        "scopes": list(new.scopes),
        "role": new.role,
        "secret_hash": hash_of(secret),
        "created_at": call.now,
        "revoked_at": None,
    }
    batch.create(repository.api_key_path(call.workspace, key), stored)
    activity.record(
        batch,
        call.workspace,
        call.principal,
        "api_key.created",
        kind="api_key",
        subject=key,
        name=new.name,
        after={"scopes": list(new.scopes), "role": new.role},
        now=call.now,
    )
    try:
        batch.commit()
    except firestore.AlreadyExists as error:
        raise Conflict(
            f"An earlier request with this Idempotency-Key made the key {key}, and its secret is shown once. Revoke it "
            "and make another.",
            code="already_issued",
        ) from error
    shown = {"name": new.name, "scopes": list(new.scopes), "role": new.role, "created_at": call.now}
    return ApiKeyWithSecret(id=key, secret=secret, **shown)


def keys(workspace: WorkspaceId) -> list[ApiKey]:
    """All keys of the workspace."""
    return [
        ApiKey(
            id=key.id,
            name=key.data["name"],
            scopes=list(key.data["scopes"]),
            role=key.data["role"],
            created_at=key.data["created_at"],
            revoked_at=key.data.get("revoked_at"),
        )
        for key in repository.api_keys(workspace)
    ]


def revoke_key(call: Call, key: str) -> None:
    """End a key at once; its tokens are refused from the next call on. One that has ended stays so. Raises NotFound."""
    found = firestore.get(repository.api_key_path(call.workspace, key)) if ids.valid("api_key", key) else None
    if found is None or not found.exists:
        raise NotFound("There is no such API key.")
    if found.data.get("revoked_at") is not None:
        return
    batch = firestore.Batch()
    batch.update(found.path, {("revoked_at",): call.now}, if_etag=found.etag)
    activity.record(
        batch,
        call.workspace,
        call.principal,
        "api_key.revoked",
        kind="api_key",
        subject=key,
        name=found.data["name"],
        now=call.now,
    )
    batch.commit()


def hash_of(secret: str) -> str:
    """SHA-256 of a secret of ours: it has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def machine_token(key: str, secret: str, now: datetime) -> tuple[str, int]:
    """Exchange a key and its secret for a token and its seconds. Raises Unauthenticated, the same for every reason."""
    refused = Unauthenticated("The key or its secret is not right.", code="invalid_client", headers=CHALLENGE)
    workspace = directory.find(key, "api_key") if ids.valid("api_key", key) else None
    if workspace is None:
        raise refused
    found = firestore.get(repository.api_key_path(workspace, key))
    right = hmac.compare_digest(str(found.data.get("secret_hash", "")), hash_of(secret))
    if not right or found.data.get("revoked_at") is not None:
        raise refused
    return tokens.machine_token(workspace, key, now=now)
