"""The links of an invitation, as the console opens them: the inviter's, and one for each mail, made when it is sent.

It stands apart from what people do with invitations, because whoever sends mails needs this and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from functions.dashboard import repository
from functions.dashboard.hashes import hash_of
from functions.shared import contracts, firestore, ids
from functions.shared.config import settings
from functions.shared.contracts import InvitationRead
from functions.shared.identity import WorkspaceId

MOST_LINKS = 5
"""Links of one invitation: the inviter's and those of the mails, whose sending may be tried again."""


def state_of(stored: dict[str, Any], now: datetime) -> Literal["waiting", "accepted", "revoked", "expired"]:
    """What became of an invitation."""
    return InvitationRead.model_validate(stored).state_at(now)


def token_of(name: str, secret: str) -> str:
    """What a link holds."""
    return f"{name}.{secret}"


def link(token: str) -> str:
    """Where the console lets a person accept. The token is in the fragment: no server and no log sees it."""
    console = settings().console_url
    # A bucket shows no index of a folder, so on Google Cloud the console's address is that of its page.
    return f"{console}{'' if console.endswith('.html') else '/'}#/invitations/{token}"


@dataclass(frozen=True, slots=True)
class Letter:
    """What the mail of an invitation says."""

    email: str
    workspace: str
    inviter: str
    role: str
    link: str
    expires_at: datetime


def letter(workspace: WorkspaceId, name: str, now: datetime) -> Letter | None:
    """What to write to whom, with a link made for this mail, or None when the invitation no longer waits.

    One commit. A mail that is sent again has another link, and the one before works too. Raises firestore.Changed when
    somebody answered in the meantime: ask again.
    """
    found, home = repository.read([repository.invitation_path(workspace, name), contracts.workspace_path(workspace)])
    if not found.exists or state_of(found.data, now) != "waiting" or home.data.get("state", "active") != "active":
        return None
    secret = ids.secret()
    first, *others = found.data["token_hashes"]
    batch = firestore.Batch()
    hashes = [first, *[*others, hash_of(secret)][1 - MOST_LINKS :]]
    batch.update(found.path, {("token_hashes",): hashes}, if_etag=found.etag)
    batch.commit()
    return Letter(
        email=found.data["email"],
        workspace=home.data["name"],
        inviter=found.data["inviter"],
        role=found.data["role"],
        link=link(token_of(name, secret)),
        expires_at=found.data["expires_at"],
    )
