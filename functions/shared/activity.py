"""Who did what: the workspace's feed and its audit log, written in the commit of the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.shared import contracts, firestore, ids

if TYPE_CHECKING:
    from functions.shared.identity import Principal, WorkspaceId

_SECRET = frozenset({"secret", "secrets", "token", "password", "hash", "credential", "credentials"})
"""A field with one of these words in its name is left out: `secret_hash`, `access_token`, but not `output_tokens`."""


def record(
    batch: firestore.Batch,
    workspace: WorkspaceId,
    principal: Principal | None,
    action: str,
    *,
    kind: str,
    subject: str,
    name: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    now: datetime,
    entry: str | None = None,
) -> None:
    """Add one entry to the commit. `action` is a verb in the past, `agent.published`; None as principal is the system.

    `entry` is its id where a repeat of the call shall find it (`call.new_id`); the commit is made only once then.

    `before` and `after` hold the changed fields only, small values, never content of conversations; secrets are left
    out at any depth.
    """
    batch.create(
        contracts.path(workspace, "activity", entry or ids.new("activity")),
        {
            "at": now,
            "action": action,
            "kind": kind,
            "subject": subject,
            "name": name[:200],
            "actor": "system" if principal is None else principal.actor,
            "actor_name": "" if principal is None else (principal.name or principal.email),
            "before": _public(before),
            "after": _public(after),
        },
    )


def erase(workspace: WorkspaceId, most: int) -> int:
    """Take up to `most` entries away; returns how many.

    Entries are otherwise never changed or removed: this is for the sweep of a workspace that was closed 30 days ago,
    which only dashboard-sweep does.
    """
    home = contracts.path(workspace, "activity")
    return firestore.delete_tree(one.path for one in firestore.find(firestore.Query(home, limit=most, fields=())))


def _public(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {key: _plain(value) for key, value in values.items() if not _is_secret(key)}


def _is_secret(key: str) -> bool:
    return not _SECRET.isdisjoint(key.lower().replace("-", "_").split("_"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _public(value)
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
