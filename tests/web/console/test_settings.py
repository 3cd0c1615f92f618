"""Settings: a change met by another, secrets that are shown once, the whole workspace as a file, its end."""

import re

import pytest
import requests
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.client import until
from tests.e2e.practice import Practice
from tests.e2e.stack import Stack
from tests.web.console.conftest import Consoles, complaints, sideways
from tests.web.console.people import colleague

WORKSPACE = "/api/workspace"


def test_two_people_who_change_the_workspace_at_once_choose_which_value_stays(
    console: Consoles, practice: Practice
) -> None:
    page = console("/settings", who=practice)
    page.get_by_label("Name").fill("Linden Dental Mitte")
    owner = practice.owner
    owner.ask("PATCH", WORKSPACE, {"name": "Linden Dental Nord"}, If_Match=owner.etag(WORKSPACE))
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Somebody else changed this")
    expect(dialog).to_contain_text("Linden Dental Nord")
    expect(dialog).to_contain_text("Linden Dental Mitte")
    dialog.get_by_role("button", name="Save what is chosen").click()
    until(20, lambda: owner.get(WORKSPACE)["name"] == "Linden Dental Mitte")
    expect(page.locator(".topbar strong")).to_have_text("Linden Dental Mitte")


def test_without_a_connection_what_was_typed_stays_and_is_saved_later(console: Consoles, practice: Practice) -> None:
    page = console("/settings", who=practice)
    days = page.get_by_label("Keep conversations for")
    days.fill("3")
    page.keyboard.press("Tab")
    expect(page.locator(".field .error")).to_contain_text("from 7 to 3,650")
    days.fill("60")
    expect(page.get_by_text("older than 60 days will be erased")).to_be_visible()
    page.route("**/api/workspace", lambda route: route.abort())
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    expect(days).to_have_value("60")
    page.unroute_all()
    # What is typed while it is sent stays, also when another tab is opened by mistake.
    held: list[Route] = []
    page.route("**/api/workspace", lambda route: held.append(route), times=1)
    with page.expect_request("**/api/workspace"):
        page.get_by_role("button", name="Save").click()
    days.fill("90")
    held[0].continue_()
    until(20, lambda: practice.owner.get(WORKSPACE)["retention_days"] == 60)
    expect(days).to_have_value("90")
    page.once("dialog", lambda asked: asked.dismiss())
    page.get_by_role("link", name="Members").click()
    expect(days).to_have_value("90")
    page.get_by_role("button", name="Discard").click()
    expect(days).to_have_value("60")
    expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)


def test_what_is_discarded_can_be_had_back_while_its_form_is_there(console: Consoles, practice: Practice) -> None:
    page = console("/settings", who=practice)
    name, days = page.get_by_label("Name"), page.get_by_label("Keep conversations for")
    name.fill("Half a name")
    days.fill("77")
    page.get_by_role("button", name="Discard").click()
    expect(name).not_to_have_value("Half a name")
    name.fill("Another")
    page.get_by_role("button", name="Undo").click()
    expect(days).to_have_value("77")
    # What was typed since is not overwritten.
    expect(name).to_have_value("Another")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("2 changes are discarded")).to_be_visible()
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_text("2 changes are discarded")).to_have_count(0)


def test_a_dialog_that_came_too_often_says_when_to_try_again(console: Consoles, practice: Practice) -> None:
    page = console("/settings?tab=keys", who=practice)
    busy = {"status": 429, "title": "Too many requests", "code": "too_many_requests", "detail": "", "request_id": "r43"}
    page.route(
        re.compile("/api/workspace/api-keys$"),
        lambda route: (
            route.fulfill(status=429, headers={"Retry-After": "4"}, json=busy)
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    page.get_by_role("button", name="New API key").click()
    page.keyboard.type("Help desk")
    page.get_by_role("button", name="Make API key").click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_contain_text(re.compile("What you typed is still here. ?Try again in [1-4] s."))
    expect(alert).not_to_contain_text("Try again in")
    expect(alert).to_contain_text("Too many requests")
    expect(page.get_by_role("dialog").get_by_label("Name", exact=True)).to_have_value("Help desk")


def test_a_form_that_came_too_often_counts_down_and_saves_then(console: Consoles, practice: Practice) -> None:
    page = console("/settings", who=practice)
    days = page.get_by_label("Keep conversations for")
    days.fill("44")
    busy = {"status": 429, "title": "Too many requests", "code": "too_many_requests", "detail": "", "request_id": "r42"}
    tries: list[str] = []

    def refuse(route: Route) -> None:
        tries.append(route.request.method)
        route.fulfill(status=429, headers={"Retry-After": "3"}, json=busy)

    page.route(
        "**/api/workspace", lambda route: refuse(route) if route.request.method == "PATCH" else route.continue_()
    )
    bar = page.get_by_role("region", name="Unsaved changes")
    save = bar.get_by_role("button", name="Save")
    save.click()
    expect(bar).to_contain_text(re.compile("1 unsaved change. Try again in [123] s"))
    expect(save).to_have_attribute("aria-disabled", "true")
    save.click(force=True)
    page.keyboard.press("Control+s")
    expect(page.get_by_role("alert").get_by_role("button", name="Try again", exact=True)).to_be_visible()
    expect(save).not_to_have_attribute("aria-disabled", "true")
    assert tries == ["PATCH"]
    expect(days).to_have_value("44")
    page.unroute_all()
    page.get_by_role("alert").get_by_role("button", name="Try again", exact=True).click()
    expect(bar).to_have_count(0)
    assert practice.owner.get(WORKSPACE)["retention_days"] == 44


def test_an_undo_that_fails_says_so_in_place_and_can_be_tried_again(console: Consoles, practice: Practice) -> None:
    other = colleague(practice, "viewer")
    page = console("/settings?tab=members", who=practice, reduced_motion="reduce")
    page.get_by_role("row", name=re.compile(other.email)).get_by_role("combobox").select_option("admin")
    until(20, lambda: other.owner.get(WORKSPACE)["role"] == "admin")
    page.route("**/api/workspace/members/**", lambda route: route.abort())
    page.get_by_role("button", name="Undo").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("That could not be undone: No connection")
    expect(alert).to_contain_text("is an admin now")
    expect(page.locator(".toast")).to_have_count(0)
    # It outlives what a toast would be gone with, on another page, too.
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(alert.first).to_contain_text("That could not be undone")
    expect(page.locator(".skeleton, [aria-busy=true]")).to_have_count(0)
    assert complaints(page) == []
    page.unroute_all()
    alert.first.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("That could not be undone")).to_have_count(0)
    assert other.owner.get(WORKSPACE)["role"] == "viewer"


def test_a_half_typed_change_of_a_key_is_not_lost_by_escape(console: Consoles, practice: Practice) -> None:
    practice.owner.ask("POST", "/api/workspace/api-keys", {"name": "Till", "scopes": ["read"], "role": "viewer"})
    page = console("/settings?tab=keys", who=practice)
    page.get_by_role("button", name="More about Till").click()
    page.get_by_role("menuitem", name="Change key").click()
    dialog = page.get_by_role("dialog", name="Change API key")
    dialog.get_by_label("Name").fill("Till at the door")
    asked: list[str] = []
    page.once("dialog", lambda box: (asked.append(box.message), box.dismiss()))
    page.keyboard.press("Escape")
    expect(dialog.get_by_label("Name")).to_have_value("Till at the door")
    assert asked == ["Close without saving what you typed?"]
    page.once("dialog", lambda box: box.accept())
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)


def test_who_is_told_is_saved_beside_a_retention_that_somebody_else_changed(
    console: Consoles, practice: Practice
) -> None:
    page = console("/settings?tab=notifications", who=practice)
    page.get_by_label("Addresses").fill("front@example.com")
    owner = practice.owner
    owner.ask("PATCH", WORKSPACE, {"retention_days": 365}, If_Match=owner.etag(WORKSPACE))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    stored = owner.get(WORKSPACE)
    assert (stored["alert_emails"], stored["retention_days"]) == (["front@example.com"], 365)


def test_who_is_told_by_mail_is_checked_and_kept(console: Consoles, practice: Practice) -> None:
    before = practice.owner.get(WORKSPACE)
    page = console("/settings?tab=notifications", who=practice)
    page.get_by_label("Addresses").fill("front desk\n")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field .error")).to_contain_text("front desk")
    page.get_by_label("Addresses").fill("desk@example.com\nboss@example.com")
    page.get_by_role("button", name="Save").click()
    wanted = ["desk@example.com", "boss@example.com"]
    until(20, lambda: practice.owner.get(WORKSPACE)["alert_emails"] == wanted)
    assert practice.owner.get(WORKSPACE)["retention_days"] == before["retention_days"]


def test_after_a_lost_answer_the_same_key_is_made_once_and_another_is_another(
    console: Consoles, practice: Practice
) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    path = "/api/workspace/api-keys"
    page = console("/settings?tab=keys", who=practice)
    page.get_by_role("button", name="New API key").click()
    page.keyboard.type("Lost")
    page.route(re.compile(f"{path}$"), lose, times=1)
    make = page.get_by_role("button", name="Make API key")
    make.click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_be_visible()
    make.click()
    expect(alert).to_contain_text("rotate its secret")
    page.get_by_label("Name", exact=True).fill("Found")
    make.click()
    shown_once(page).get_by_role("button", name="I have stored it").click()
    names = [one["name"] for one in practice.owner.get(path)["items"]]
    assert sorted(name for name in names if name in {"Lost", "Found"}) == ["Found", "Lost"]


def shown_once(page: Page) -> Locator:
    """The dialog with a secret, which Escape does not close."""
    dialog = page.get_by_role("dialog", name=re.compile("The secret of"))
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Close")).to_have_count(0)
    return dialog


def test_a_key_is_shown_once_works_and_is_rotated_and_revoked(
    console: Consoles, practice: Practice, stack: Stack
) -> None:
    def token(client_id: str, secret: str) -> int:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        return requests.post(f"{stack.gateway}/oauth/token", data=form, timeout=60).status_code

    page = console("/settings?tab=keys", who=practice)
    page.get_by_role("button", name="New API key").click()
    page.keyboard.type("Help desk")
    page.get_by_role("checkbox", name="Chat").check()
    page.get_by_role("button", name="Make API key").click()
    dialog = shown_once(page)
    key, secret = dialog.locator("code").all_inner_texts()
    dialog.get_by_role("button", name="I have stored it").click()
    assert token(key, secret) == 200
    row = page.get_by_role("row", name=re.compile("Help desk Active read, chat as member"))

    row.get_by_role("button").click()
    page.get_by_role("menuitem", name="Rotate secret").click()
    page.get_by_label("The old secret").select_option("0")
    page.get_by_role("dialog").get_by_role("button", name="Rotate secret").click()
    dialog = shown_once(page)
    _, newer = dialog.locator("code").all_inner_texts()
    dialog.get_by_role("button", name="I have stored it").click()
    assert (token(key, secret), token(key, newer)) == (401, 200)

    row.get_by_role("button").click()
    page.get_by_role("menuitem", name="Change key").click()
    page.get_by_role("dialog").get_by_label("Role").select_option("viewer")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name=re.compile("Help desk Active read, chat as viewer"))
    row.get_by_role("button").click()
    page.get_by_role("menuitem", name="Revoke key").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Help desk")
    page.get_by_role("dialog").get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("row", name=re.compile("Help desk Revoked"))).to_be_visible()
    assert token(key, newer) == 401


def test_a_webhook_is_made_tried_sent_again_paused_and_deleted(console: Consoles, practice: Practice) -> None:
    page = console("/settings?tab=webhooks", who=practice)
    page.get_by_role("button", name="New webhook").click()
    expect(page.get_by_role("button", name="Make webhook")).to_be_disabled()
    page.keyboard.type("https://hooks.invalid/agenthub")
    page.get_by_role("button", name="Make webhook").click()
    dialog = shown_once(page)
    expect(dialog.locator("code").first).to_contain_text("whsec_")
    dialog.get_by_role("button", name="I have stored it").click()

    page.get_by_role("link", name="hooks.invalid").click()
    page.get_by_role("button", name="Send a test").click()
    row = page.get_by_role("row", name=re.compile("Test (Failed|Pending)"))
    expect(row.locator(".attempt")).to_have_count(1)
    row.get_by_role("button", name="Send again").click()
    expect(row.locator(".attempt")).to_have_count(2)
    page.get_by_role("switch", name="Send events").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    page.get_by_role("checkbox", name="An invoice is issued").check()
    page.get_by_role("button", name="Save").click()
    until(20, lambda: "invoice.issued" in practice.owner.get("/api/webhooks")["items"][0]["types"])
    page.get_by_role("button", name="More about this webhook").click()
    page.get_by_role("menuitem", name="Delete webhook").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("hooks.invalid")
    page.get_by_role("dialog").get_by_role("button", name="Delete webhook").click()
    expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()


def test_a_webhook_that_changed_since_it_was_shown_is_switched_and_deleted_at_the_second_press(
    console: Consoles, practice: Practice
) -> None:
    owner = practice.owner
    made = owner.ask("POST", "/api/webhooks", {"url": "https://second.invalid/", "types": ["hand_off.requested"]})
    path = f"/api/webhooks/{made.json()['id']}"

    def renamed(name: str) -> None:
        owner.ask("PATCH", path, {"name": name}, If_Match=owner.etag(path))

    page = console(f"/settings?tab=webhooks&webhook={made.json()['id']}", who=practice)
    switch = page.get_by_role("switch", name="Send events")
    expect(switch).to_be_checked()
    renamed("Till")
    switch.click()
    expect(page.get_by_role("alert")).to_contain_text("Go on if you still want it.")
    expect(page.get_by_label("Name")).to_have_value("Till")
    expect(switch).to_be_checked()
    switch.click()
    expect(page.get_by_text("Paused")).to_be_visible()
    page.get_by_role("button", name="More about this webhook").click()
    page.get_by_role("menuitem", name="Delete webhook").click()
    renamed("Front desk")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("Till")
    dialog.get_by_role("button", name="Delete webhook").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Go on if you still want it.")
    dialog.get_by_role("textbox").fill("Front desk")
    dialog.get_by_role("button", name="Delete webhook").click()
    expect(dialog).to_have_count(0)
    owner.ask("GET", path, status=404)


def test_the_whole_workspace_is_exported_while_the_page_is_left(console: Consoles, practice: Practice) -> None:
    page = console("/settings", who=practice)
    page.get_by_role("button", name="Export the workspace").click()
    page.get_by_text("You can leave this page").or_(page.get_by_role("button", name="Download")).first.wait_for()
    page.evaluate("location.hash = '/status'")
    page.get_by_role("heading", name="Status").wait_for()
    page.evaluate("location.hash = '/settings'")
    button = page.get_by_role("button", name="Download")
    expect(button).to_be_visible(timeout=60_000)
    # The file's address works for minutes only: each press asks for a new one.
    for _ in range(2):
        with page.expect_response(re.compile("/api/exports/[^?]+$")) as asked, page.expect_download() as saved:
            button.click()
        assert asked.value.ok
        assert saved.value.path().read_bytes()[:2] == b"PK"


def test_an_export_that_failed_says_why_and_what_to_do(console: Consoles, practice: Practice) -> None:
    page = console("/nowhere", who=practice)
    one = {
        "id": "exp_1", "kind": "workspace", "format": "zip", "from": None, "to": None, "agent_id": None, "rows": 0,
        "rows_expected": None, "requested_by": "user", "bytes": None, "sha256": None, "file_name": "all.zip",
        "created_at": "2026-11-28T10:00:00Z", "finished_at": "2026-11-28T10:01:00Z", "url": None,
        "expires_at": "2026-12-05T10:00:00Z", "state": "failed", "error": "too_large",
    }  # fmt: skip
    page.route(re.compile(r"/api/exports\?"), lambda route: route.fulfill(json={"items": [one]}))
    page.route(re.compile("/api/exports/exp_1"), lambda route: route.fulfill(json=one))
    page.evaluate("location.hash = '/settings'")
    expect(page.get_by_text("There is too much of it for one file.")).to_be_visible()
    expect(page.get_by_text("too_large")).to_have_count(0)


def test_a_viewer_sees_the_workspace_and_may_only_leave(console: Consoles, practice: Practice) -> None:
    viewer = colleague(practice, "viewer")
    page = console("/settings", who=viewer)
    expect(page.locator("main")).to_contain_text("You areviewer")
    expect(page.get_by_label("Name")).to_have_count(0)
    for name in ("API keys", "Webhooks", "Notifications"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    for name in ("Close workspace", "Export the workspace"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.get_by_role("button", name="Leave workspace").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave workspace").click()
    page.get_by_role("heading", name="Your workspaces").wait_for()
    viewer.owner.ask("GET", WORKSPACE, status=(401, 403, 404))


def test_a_workspace_is_closed_by_its_name_and_opened_again(console: Consoles, stack: Stack) -> None:
    doomed = Practice(stack, "Kurz & Gut قصير")
    page = console("/settings", who=doomed)
    page.get_by_role("button", name="Close workspace").click()
    dialog = page.get_by_role("dialog", name=re.compile("Close Kurz"))
    dialog.get_by_role("textbox").fill("Kurz")
    expect(dialog.get_by_role("button", name="Close workspace")).to_be_disabled()
    dialog.get_by_role("textbox").fill("Kurz & Gut قصير")
    dialog.get_by_role("button", name="Close workspace").click()
    expect(page.get_by_text("Everything but the books is erased on")).to_be_visible()
    page.get_by_role("button", name="Reopen workspace").click()
    until(20, lambda: doomed.owner.get(WORKSPACE)["state"] == "active")
    page.get_by_role("button", name="Close workspace").click()
    dialog.get_by_role("textbox").fill("Kurz & Gut قصير")
    dialog.get_by_role("button", name="Close workspace").click()
    until(20, lambda: doomed.owner.get(WORKSPACE)["state"] == "closing")


@pytest.mark.parametrize("width", [360, 1280])
def test_settings_have_no_complaint_from_axe_and_fit_their_window(
    console: Consoles, practice: Practice, width: int
) -> None:
    page = console("/settings", who=practice, width=width)
    headings = {"workspace": "Workspace", "members": "Members", "keys": "API keys", "webhooks": "Webhooks"}
    for tab, heading in headings.items():
        page.evaluate(f"location.hash = '/settings?tab={tab}'")
        expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert complaints(page) == []
        assert sideways(page) <= 0
