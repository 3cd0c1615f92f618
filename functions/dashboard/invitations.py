"""Invitations: a link for seven days and one use, for the one address that it was made for.

A link's token is `{invitation}.{secret}`; hashes of secrets alone are stored. The inviter sees one link, once. A mail has
one of its own, made by whoever sends it in the moment of sending (`invitation_links.letter`), since a secret does not go
through Pub/Sub. Both lead to the same invitation, and only a person with that address, verified, may accept it.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from functions.dashboard import people, repository, workspaces
from functions.dashboard.hashes import hash_of, is_among
from functions.dashboard.invitation_links import link, state_of, token_of
from functions.dashboard.members import check_may_give
from functions.dashboard.models import Invitation, InvitationOffer, InvitationWithLink, NewInvitation, Workspace
from functions.shared import activity, contracts, directory, events, firestore, ids, notifications, paging
from functions.shared.clock import to_text
from functions.shared.errors import Conflict, Forbidden, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Call, Items, Page
from functions.shared.identity import Role, WorkspaceId

LIFE = timedelta(days=7)
KEPT = timedelta(days=30)
"""How long one that is over is still listed."""

MOST_WAITING = 50
MOST_A_DAY = 100
"""Each is a mail to somebody who did not ask for one."""


def listed(workspace: WorkspaceId, query: Page, now: datetime) -> Items[Invitation]:
    """A page of the invitations, the newest first; those that are over for KEPT."""
    found, token = paging.read(
        query, contracts.path(workspace, "invitations"), "created_at", partial(repository.invitations, workspace)
    )
    return Items(items=[Invitation(**_fields(one.id, one.data, now)) for one in found], next_page_token=token)


def _fields(name: str, stored: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "id": name,
        "email": stored["email"],
        "role": stored["role"],
        "state": state_of(stored, now),
        "invited_by": stored["invited_by"],
        "created_at": stored["created_at"],
        "expires_at": stored["expires_at"],
        "accepted_at": stored.get("accepted_at"),
    }


def invite(call: Call, new: NewInvitation) -> InvitationWithLink:
    """Invite an address, by the link in this answer and by mail. An earlier invitation of the same address ends.

    Raises Forbidden (`role_too_low`) for a role above the caller's, Conflict (`already_member`, `too_many_invitations`,
    `workspace_closing`; `already_issued` for the repeat of a request whose answer was lost).
    """
    check_may_give(call.principal.role or Role.VIEWER, Role(new.role))
    home = repository.read([contracts.workspace_path(call.workspace)])[0]
    _check_open(home)
    if repository.members_with(call.workspace, new.email):
        raise Conflict("This person is a member already.", code="already_member")
    waiting = repository.waiting_invitations(call.workspace, call.now, MOST_WAITING + 1)
    earlier = [one for one in waiting if one.data["email"] == new.email]
    name, secret, expires_at = call.new_id("invitation"), ids.secret(), call.now + LIFE
    if any(one.id == name for one in earlier):
        raise _issued(name)
    if len(waiting) - len(earlier) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} invitations are waiting. Revoke some first.", code="too_many_invitations")
    if repository.invited_since(call.workspace, call.now - timedelta(days=1)) >= MOST_A_DAY:
        raise Conflict(f"{MOST_A_DAY} people were invited within a day. Wait a little.", code="too_many_invitations")
    batch = firestore.Batch()
    for one in earlier:
        batch.update(one.path, {("open",): False}, if_etag=one.etag)
    directory.enter(batch, name, call.workspace, "invitation", expire_at=expires_at + KEPT)
    stored = {
        "email": new.email,
        "role": new.role,
        "token_hashes": [hash_of(secret)],
        "open": True,
        "invited_by": call.principal.subject,
        "inviter": call.principal.name or call.principal.email,
        "created_at": call.now,
        "expires_at": expires_at,
        "expire_at": expires_at + KEPT,
    }
    batch.create(repository.invitation_path(call.workspace, name), stored)
    after = {"role": new.role, **({"instead_of": [one.id for one in earlier]} if earlier else {})}
    _tell(batch, call, call.workspace, "invitation.created", name, new.email, after=after)
    facts = {"role": new.role, "expires_at": to_text(expires_at)}
    told = notifications.record(batch, call.workspace, "member.invited", subject=name, facts=facts, now=call.now)
    try:
        batch.commit()
    except firestore.AlreadyExists as error:
        raise _issued(name) from error
    events.publish(told)
    token = token_of(name, secret)
    return InvitationWithLink(**_fields(name, stored, call.now), token=token, link=link(token))


def _check_open(home: Snapshot) -> None:
    if home.data.get("state", "active") in ("closing", "erased"):
        raise Conflict("The workspace is being closed.", code="workspace_closing")


def _issued(name: str) -> Conflict:
    return Conflict(
        f"An earlier request with this Idempotency-Key made the invitation {name}, and its link is shown once. Invite the "
        "address again with another Idempotency-Key.",
        code="already_issued",
    )


def revoke(call: Call, name: str) -> None:
    """End an invitation at once; one that is over stays as it is. Raises NotFound."""
    found = repository.read([repository.invitation_path(call.workspace, name)])[0] if _is_id(name) else None
    if found is None or not found.exists:
        raise NotFound("There is no such invitation.")
    if not found.data["open"]:
        return
    batch = firestore.Batch()
    batch.update(found.path, {("open",): False}, if_etag=found.etag)
    _tell(batch, call, call.workspace, "invitation.revoked", name, found.data["email"])
    batch.commit()


def _is_id(name: str) -> bool:
    return ids.valid("invitation", name)


def offer(call: Call, token: str) -> InvitationOffer:
    """What joining would give, for the person whom the token's invitation is for; the address need not be proved yet.

    Raises NotFound for a token that is none, Forbidden (`another_address`).
    """
    name, secret, workspace = _opened(token)
    invitation, home = repository.read(
        [repository.invitation_path(workspace, name), contracts.workspace_path(workspace)]
    )
    _check_token(invitation, secret)
    _check_address(call, invitation)
    if home.data.get("state") == "erased":
        raise _nothing()
    return InvitationOffer(
        workspace=home.data["name"],
        role=invitation.data["role"],
        inviter=invitation.data["inviter"],
        state=state_of(invitation.data, call.now),
        expires_at=invitation.data["expires_at"],
    )


def _opened(token: str) -> tuple[str, str, WorkspaceId]:
    """The invitation of a token, what it is opened with, and whose it is. Raises NotFound."""
    name, _, secret = token.partition(".")
    workspace = directory.find(name, "invitation") if _is_id(name) else None
    if workspace is None:
        raise _nothing()
    return name, secret, workspace


def accept(call: Call, token: str) -> tuple[Workspace, str]:
    """Join the workspace of an invitation: member, invitation and activity in one commit, then the claim.

    A repeat by the same person sets the claim again. Raises NotFound for a token that is none, Forbidden
    (`email_not_verified`, `another_address`), Conflict (`invitation_over`, `already_member`, `workspace_closing`).
    """
    name, secret, workspace = _opened(token)
    uid = call.principal.subject
    paths = [
        repository.invitation_path(workspace, name),
        contracts.workspace_path(workspace),
        repository.member_path(workspace, uid),
    ]

    def join(batch: firestore.Batch, found: list[Snapshot]) -> None:
        invitation, home, member = found
        _check_token(invitation, secret)
        _check_person(call, invitation)
        if invitation.data.get("accepted_by") == uid and member.exists:
            return
        _check_open(home)
        if member.exists:
            raise Conflict("You are a member of this workspace already.", code="already_member")
        if state_of(invitation.data, call.now) != "waiting" or not _still_meant(workspace, invitation):
            raise Conflict("This invitation is over. Ask for another one.", code="invitation_over")
        role = invitation.data["role"]
        batch.create(
            member.path,
            {
                "uid": uid,
                "role": role,
                "email": call.principal.email.lower(),
                "name": call.principal.name,
                "workspace_id": str(workspace),
                "since": call.now,
            },
        )
        accepted: dict[tuple[str, ...], Any] = {("open",): False, ("accepted_at",): call.now, ("accepted_by",): uid}
        batch.update(invitation.path, accepted, if_etag=invitation.etag)
        _tell(batch, call, workspace, "member.joined", uid, call.principal.name, after={"role": role}, kind="member")

    firestore.compete(paths, repository.read(paths), join)
    people.set_workspace(uid, str(workspace))
    return workspaces.show(call, workspace)


def _nothing() -> NotFound:
    return NotFound("There is no such invitation.")


def _check_token(invitation: Snapshot, secret: str) -> None:
    if not is_among(secret, invitation.data.get("token_hashes", ())):
        raise _nothing()


def _check_person(call: Call, invitation: Snapshot) -> None:
    if call.principal.claims.get("email_verified") is not True:
        raise Forbidden("Open the link in the mail that we sent you first.", code="email_not_verified")
    _check_address(call, invitation)


def _check_address(call: Call, invitation: Snapshot) -> None:
    if call.principal.email.lower() != invitation.data["email"]:
        raise Forbidden("This invitation is for another address. Sign in with that one.", code="another_address")


def _still_meant(workspace: WorkspaceId, invitation: Snapshot) -> bool:
    """Whether whoever invited is still a member with at least the role that was given."""
    inviter = repository.read([repository.member_path(workspace, invitation.data["invited_by"])])[0]
    return inviter.exists and Role(inviter.data["role"]).allows(Role(invitation.data["role"]))


def _tell(
    batch: firestore.Batch,
    call: Call,
    workspace: WorkspaceId,
    action: str,
    subject: str,
    name: str,
    *,
    after: dict[str, Any] | None = None,
    kind: str = "invitation",
) -> None:
    activity.record(
        batch,
        workspace,
        call.principal,
        action,
        kind=kind,
        subject=subject,
        name=name,
        after=after,
        now=call.now,
    )
