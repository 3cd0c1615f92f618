"""The members of a workspace: who they are, what role each has, and how somebody leaves.

A workspace has an owner at any time. Taking an owner's role away therefore also writes the workspace's own document as
it was read before the owners were counted: of two owners who demote each other at once, one commit fails and is decided
anew.
"""

from functools import partial
from typing import Any

from functions.dashboard import people, repository
from functions.dashboard.models import Member
from functions.shared import activity, contracts, directory, firestore, logs, paging
from functions.shared.errors import Conflict, Forbidden, NotFound, Problem
from functions.shared.firestore import Snapshot
from functions.shared.http import Call, Items, Page
from functions.shared.identity import Role, WorkspaceId

ATTEMPTS = 5


def members(workspace: WorkspaceId, query: Page) -> Items[Member]:
    """A page of who is in the workspace, the longest-standing first."""
    found, token = paging.read(
        query, contracts.path(workspace, "members"), "since", partial(repository.members, workspace)
    )
    return Items(items=[_shown(member) for member in found], next_page_token=token)


def member(workspace: WorkspaceId, uid: str) -> tuple[Member, str]:
    """One member and the etag of the role. Raises NotFound."""
    found = repository.read([repository.member_path(workspace, uid)])[0]
    if not found.exists:
        raise _nobody()
    return _shown(found), found.etag


def _nobody() -> NotFound:
    return NotFound("There is no such member.")


def _shown(member: Snapshot) -> Member:
    return Member(
        id=member.id,
        email=member.data.get("email", ""),
        name=member.data.get("name", ""),
        role=member.data["role"],
        since=member.data["since"],
    )


def check_may_give(held: Role, given: Role) -> None:
    """Raise Forbidden when somebody with the role `held` may not make anybody a `given`: nobody gives more than he has."""
    if not held.allows(given):
        raise Forbidden(f"Your role is {held}; you cannot give {given}.", code="role_too_low")


def change_role(call: Call, uid: str, role: Role) -> tuple[Member, str]:
    """Give a member another role. The one that is there already changes nothing.

    Raises NotFound, firestore.Changed when the etag is stale, Forbidden (`role_too_low`) for more than the caller has or
    to an admin who touches an owner, Conflict (`last_owner`).
    """
    _write(call, uid, role)
    return member(call.workspace, uid)


def remove(call: Call, uid: str) -> None:
    """Take a member out, at once; whoever names himself leaves, whatever his role. API keys stay: they are the workspace's.

    No alert goes to his address any more. Whoever leaves gets the claim of another of his workspaces, or none. Raises as
    `change_role`.
    """
    _write(call, uid, None)
    if uid == call.principal.subject:
        others = [found.path.split("/")[1] for found in repository.memberships(uid, 1)]
        try:
            people.set_workspace(uid, others[0] if others else None)
        except Problem as error:
            # He is out all the same, for roles are read at each call; switching sets the claim again.
            logs.warning("A claim names a workspace that its person has left", reason=type(error).__name__)


def _write(call: Call, uid: str, wanted: Role | None) -> None:
    for _ in range(ATTEMPTS):
        batch = firestore.Batch()
        _decide(batch, call, uid, wanted)
        try:
            batch.commit()
        except firestore.Changed:
            continue
        return
    raise firestore.Contended("Others are changing the members. Try again in a moment.")


def _decide(batch: firestore.Batch, call: Call, uid: str, wanted: Role | None) -> None:
    """Add the writes of the change, on the strength of what is stored now: the caller's role may have changed too."""
    own = repository.member_path(call.workspace, call.principal.subject)
    target = repository.member_path(call.workspace, uid)
    home = contracts.workspace_path(call.workspace)
    entry = directory.path(uid)
    found = {one.path: one for one in repository.read(dict.fromkeys((home, own, target, entry)))}
    member = found[target]
    if not found[own].exists:
        raise Forbidden("You are no member of this workspace.", code="not_a_member")
    if not member.exists:
        raise _nobody()
    if call.if_match not in (None, member.etag):
        raise firestore.Changed(target)
    held, mine = Role(member.data["role"]), Role(found[own].data["role"])
    leaving = wanted is None and uid == call.principal.subject
    if not leaving:
        _check(mine, held, wanted)
    if wanted == held:
        return
    changes: dict[firestore.FieldPath, Any] = {}
    before: dict[str, Any] = {"role": held.value}
    if held is Role.OWNER:
        if all(owner.id == uid for owner in repository.owners(call.workspace)):
            raise Conflict("A workspace keeps an owner: make somebody else one first.", code="last_owner")
        changes["owners_changed_at",] = call.now
    told, address = found[home].data.get("alert_emails") or [], member.data.get("email")
    if wanted is None and address in told:
        before["alert_emails"] = told
        changes["alert_emails",] = [one for one in told if one != address]
    if changes:
        batch.update(home, changes, if_etag=found[home].etag)
    if wanted is None:
        batch.delete(target, if_etag=member.etag)
        if found[entry].data.get("workspace_id") == call.workspace:
            # He founded this workspace and is free to found another one.
            directory.remove(batch, uid)
    else:
        batch.update(target, {("role",): wanted.value}, if_etag=member.etag)
    activity.record(
        batch,
        call.workspace,
        call.principal,
        "member.left" if leaving else "member.removed" if wanted is None else "member.changed",
        kind="member",
        subject=uid,
        name=member.data.get("name") or member.data.get("email", ""),
        before=before,
        after=None if wanted is None else {"role": wanted.value},
        now=call.now,
    )


def _check(mine: Role, held: Role, wanted: Role | None) -> None:
    if not mine.allows(Role.ADMIN):
        raise Forbidden(f"This needs the role admin; yours is {mine}.", code="role_too_low")
    if not mine.allows(held):
        raise Forbidden("Only an owner may touch an owner.", code="role_too_low")
    if wanted is not None:
        check_may_give(mine, wanted)
