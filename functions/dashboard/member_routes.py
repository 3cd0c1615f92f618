"""Members and invitations over HTTP."""

from functions.dashboard import invitations, members
from functions.dashboard.models import (
    Invitation,
    InvitationOffer,
    InvitationWithLink,
    Member,
    MemberChange,
    NewInvitation,
    Workspace,
)
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Page, Reply, Routes
from functions.shared.identity import Role

api = Routes("dashboard-api")


@api.get("/api/workspace/members", callers=(CONSOLE, MACHINE), summary="Who belongs to the workspace.")
def list_members(call: Call, query: Page) -> Items[Member]:
    """The longest-standing first."""
    return members.members(call.workspace, query)


@api.get("/api/workspace/members/{member}", callers=(CONSOLE, MACHINE), etag=True, summary="One member.")
def get_member(call: Call, member: str) -> Reply[Member]:
    """With the ETag that a change of role must show."""
    found, etag = members.member(call.workspace, member)
    return Reply(found, etag=etag)


@api.patch("/api/workspace/members/{member}", callers=(CONSOLE,), role="admin", summary="Give a member another role.")
def change_member(call: Call, member: str, body: MemberChange) -> Reply[Member]:
    """In force from the member's next call on. An admin cannot touch owners; an owner stays."""
    found, etag = members.change_role(call, member, Role(body.role))
    return Reply(found, etag=etag)


@api.delete(
    "/api/workspace/members/{member}",
    callers=(CONSOLE,),
    role="viewer",
    summary="Remove a member, as an admin; or leave, by naming oneself.",
)
def remove_member(call: Call, member: str) -> None:
    """Out from the next call on. An admin cannot touch owners; an owner stays."""
    members.remove(call, member)


@api.get("/api/invitations", callers=(CONSOLE,), role="admin", summary="Who was invited, the newest first.")
def list_invitations(call: Call, query: Page) -> Items[Invitation]:
    """Those that are over too, for 30 days."""
    return invitations.listed(call.workspace, query, call.now)


@api.post(
    "/api/invitations",
    callers=(CONSOLE,),
    role="admin",
    status=201,
    idempotent=True,
    secret=True,
    summary="Invite a person by mail and by link; the link is shown once.",
)
def create_invitation(call: Call, body: NewInvitation) -> Reply[InvitationWithLink]:
    """For seven days and one use, by that address alone. An earlier invitation of the address ends."""
    return Reply(invitations.invite(call, body))


@api.delete(
    "/api/invitations/{invitation}", callers=(CONSOLE,), role="admin", if_match=False, summary="Revoke an invitation."
)
def revoke_invitation(call: Call, invitation: str) -> None:
    """Its links are refused from now on."""
    invitations.revoke(call, invitation)


@api.get("/api/invitations/{token}/offer", callers=(CONSOLE,), role=None, summary="What an invitation offers to me.")
def get_offer(call: Call, token: str) -> InvitationOffer:
    """The workspace's name, the role, who invites and until when; for the address that was invited alone."""
    return invitations.offer(call, token)


@api.post(
    "/api/invitations/{token}/accept",
    callers=(CONSOLE,),
    role=None,
    idempotent=True,
    summary="Join the workspace that I was invited to.",
)
def accept_invitation(call: Call, token: str) -> Reply[Workspace]:
    """Refresh the token afterwards: it then carries the workspace."""
    found, etag = invitations.accept(call, token)
    return Reply(found, etag=etag)
