"""Colleagues of a practice's owner, each with a role and a console of their own."""

import copy
import uuid

from tests.e2e.client import Client
from tests.e2e.practice import Practice


def colleague(practice: Practice, role: str) -> Practice:
    """The same practice as a new member of this role sees it: `console(path, who=colleague(practice, "viewer"))`."""
    email = f"{uuid.uuid4().hex[:10]}@example.com"
    token = practice.owner.ask("POST", "/api/invitations", {"email": email, "role": role}).json()["token"]
    person = Client(practice.stack.gateway)
    person.sign_up(email, practice.password)
    person.ask("POST", f"/api/invitations/{token}/accept")
    person.refresh()
    theirs = copy.copy(practice)
    theirs.owner, theirs.email = person, email
    return theirs
