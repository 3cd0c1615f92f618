"""Who comes to the console beside a practice's owner: colleagues with a role of their own, and strangers."""

import copy
import uuid

from playwright.sync_api import Page

from tests.e2e.client import Client
from tests.e2e.practice import Practice
from tests.web.console.conftest import Consoles


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


def stranger(console: Consoles, workspace: str) -> Page:
    """Somebody new, by keyboard alone: an account and a workspace of this name; home is what is seen next."""
    page = console("/sign-in?mode=up")
    page.keyboard.type(f"{uuid.uuid4().hex}@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery staple")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your workspace").wait_for()
    page.keyboard.type(workspace)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Three steps").wait_for()
    return page
