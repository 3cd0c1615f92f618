"""Who did what: the workspace's feed and its audit log, written in the commit of the change itself.

What an operator does to a workspace stands in the operator's own log as well (MONEY 16), in the same commit and by the
same function, so that nobody can forget it. That log is the installation's: it outlives an erased workspace, and holds
ids, states and amounts alone, no words that somebody chose.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.shared import contracts, firestore, ids
from functions.shared.identity.principal import Caller

if TYPE_CHECKING:
    from functions.shared.identity import Principal, WorkspaceId

_FIGURES = frozenset(
    {
        *contracts.BUCKETS,
        "amount",
        "charge",
        "cost",
        "credit_note_id",
        "currency",
        "due_minor",
        "effective_from",
        "expires_at",
        "invoice_id",
        "invoice_state",
        "number",
        "payment_id",
        "plan",
        "refund",
        "refunded",
        "replaces",
        "state",
        "suspended",
        "total",
    }
)
"""What of an entry's `after` the operator's log has; a reason is a sentence, and stays with the workspace."""

_NUMBERED = ("invoice.", "payment.", "plan.")
"""Acts whose subject's name is a number of ours or a plan's name, and nobody's."""

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
    What an operator does is added to the operator's log, too.

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
            **_actor(principal),
            "before": _public(before),
            "after": _public(after),
        },
    )
    if principal is not None and principal.kind is Caller.OPERATOR:
        record_operators_act(
            batch, principal, action, workspace=workspace, subject=subject, name=name, after=after, now=now
        )


def record_operators_act(
    batch: firestore.Batch,
    principal: Principal | None,
    action: str,
    *,
    workspace: WorkspaceId | None,
    subject: str,
    name: str = "",
    after: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Add one entry to the operator's own log alone: an act that is no workspace's, or the end of one that the system
    brought about. What is done to a workspace `record` adds."""
    batch.create(
        f"operator_acts/{ids.new('activity')}",
        {
            "at": now,
            "action": action,
            **_actor(principal),
            "subject": subject,
            "name": name[:200] if action.startswith(_NUMBERED) else "",
            "workspace_id": str(workspace or ""),
            "figures": {key: value for key, value in (after or {}).items() if key in _FIGURES},
        },
    )


def _actor(principal: Principal | None) -> dict[str, str]:
    if principal is None:
        return {"actor": "system", "actor_name": ""}
    return {"actor": principal.actor, "actor_name": principal.name or principal.email}


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
