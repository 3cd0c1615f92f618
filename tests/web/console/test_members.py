"""Who belongs to a workspace, in its settings: invited, given another role, removed, and never without an owner."""

import re

from playwright.sync_api import expect

from tests.e2e.client import until
from tests.e2e.practice import Practice
from tests.web.console.conftest import Consoles
from tests.web.console.people import colleague

WORKSPACE = "/api/workspace"


def test_a_person_is_invited_by_a_link_shown_once_and_a_role_is_changed_and_given_back(
    console: Consoles, practice: Practice
) -> None:
    other = colleague(practice, "viewer")
    page = console("/settings?tab=members", who=practice)
    page.get_by_role("button", name="Invite a person").click()
    page.keyboard.type("new.dentist@example.com")
    page.get_by_role("radio", name="Admin").check()
    page.get_by_role("dialog").get_by_role("button", name="Invite person").click()
    dialog = page.get_by_role("dialog", name="new.dentist@example.com is invited")
    expect(dialog.locator("code")).to_contain_text("#/invitations/")
    dialog.get_by_role("button", name="Done").click()
    row = page.get_by_role("row", name=re.compile("new.dentist@example.com Admin Waiting"))
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke invitation").click()
    expect(page.get_by_role("row", name=re.compile("new.dentist@example.com Admin Revoked"))).to_be_visible()

    role = page.get_by_role("row", name=re.compile(other.email)).get_by_role("combobox")
    role.select_option("admin")
    until(20, lambda: other.owner.get(WORKSPACE)["role"] == "admin")
    page.get_by_role("button", name="Undo").click()
    until(20, lambda: other.owner.get(WORKSPACE)["role"] == "viewer")
    page.get_by_role("row", name=re.compile(other.email)).get_by_role("button").click()
    page.get_by_role("menuitem", name="Remove from workspace").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove member").click()
    expect(page.get_by_role("row", name=re.compile(other.email))).to_have_count(1)


def test_a_role_that_somebody_else_gave_is_not_overwritten_unseen(console: Consoles, practice: Practice) -> None:
    other = colleague(practice, "viewer")
    page = console("/settings?tab=members", who=practice)
    row = page.get_by_role("row", name=re.compile(other.email))
    expect(row.get_by_role("combobox")).to_have_value("viewer")
    members = practice.owner.get("/api/workspace/members")["items"]
    (theirs,) = [one["id"] for one in members if one["email"] == other.email]
    path = f"/api/workspace/members/{theirs}"
    practice.owner.ask("PATCH", path, {"role": "admin"}, If_Match=practice.owner.etag(path))
    row.get_by_role("combobox").select_option("member")
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this")
    expect(row.get_by_role("combobox")).to_have_value("admin")
    assert practice.owner.get(path)["role"] == "admin"
    row.get_by_role("combobox").select_option("member")
    expect(page.get_by_text("is a member now")).to_be_visible()


def test_the_last_owner_keeps_the_role(console: Consoles, practice: Practice) -> None:
    page = console("/settings?tab=members", who=practice)
    mine = page.get_by_role("row", name=re.compile(practice.email)).get_by_role("combobox")
    mine.select_option("member")
    dialog = page.get_by_role("dialog", name="Become a member?")
    dialog.get_by_role("button", name="Become a member").click()
    expect(dialog.get_by_role("alert")).to_contain_text("keeps an owner")
    dialog.get_by_role("button", name="Cancel").click()
    expect(mine).to_have_value("owner")
