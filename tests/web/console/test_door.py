"""The door: an invitation that is not lost behind it, and a session that ends, goes on, or moves in another tab."""

import json
import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.e2e.client import Client
from tests.e2e.practice import Practice
from tests.web.console.addresses import open_
from tests.web.console.conftest import Consoles, complaints, sideways
from tests.web.console.people import colleague

PASSWORD = "correct horse battery staple"
CONFIG = "**/config.json"
REFRESHES = "**/securetoken.googleapis.com/**"


def invited(practice: Practice, role: str = "member") -> tuple[str, str]:
    """Somebody's address, and the path of the link that invites it."""
    email = f"{uuid.uuid4().hex[:10]}@example.com"
    made = practice.owner.ask("POST", "/api/invitations", {"email": email, "role": role}).json()
    return email, f"/invitations/{made['token']}"


def with_google(route: Route) -> None:
    """The configuration of an AgentHub where people may sign in with Google."""
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "google": True})


def refuse(route: Route) -> None:
    """What the gateway says of a token that is over."""
    route.fulfill(status=401, content_type="application/json", body='{"code": 401, "message": "Jwt is expired"}')


def revoked(route: Route) -> None:
    """What Google says of a refresh token that is over."""
    route.fulfill(
        status=400, content_type="application/json", body='{"error": {"code": 400, "message": "TOKEN_EXPIRED"}}'
    )


def sent(request: Request) -> dict[str, Any]:
    """The JSON of a request."""
    body: dict[str, Any] = json.loads(request.post_data or "{}")
    return body


def end(page: Page) -> None:
    """From now on this tab's session is over: neither its token nor its renewal is taken."""
    page.route("**/api/**", refuse)
    page.route(REFRESHES, revoked)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_face_of_the_door_fits_and_has_no_complaint(console: Consoles, colours: str) -> None:
    page = console("/sign-in", color_scheme=colours)

    def judge(heading: str) -> None:
        expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
        # 640 px is a window of 1280 at twice its size.
        for width in (360, 640, 768, 1280):
            page.set_viewport_size({"width": width, "height": 450 if width == 640 else 900})
            assert sideways(page) <= 0, (heading, width)
        assert (heading, complaints(page)) == (heading, [])

    judge("Sign in")
    open_(page, "/sign-in?mode=forgot")
    judge("Set a new password")
    page.get_by_label("Email").fill("somebody@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Look into your mail")).to_be_visible()
    judge("Set a new password")
    open_(page, "/sign-in?oobCode=abc")
    judge("Set a new password")
    open_(page, "/sign-in?mode=up")
    judge("Make an account")
    page.get_by_label("Email").fill(f"{uuid.uuid4().hex[:10]}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    judge("Your workspace")


def test_who_is_invited_and_new_makes_an_account_and_is_asked_to_join(console: Consoles, practice: Practice) -> None:
    email, path = invited(practice)
    page = console(path)
    page.get_by_role("link", name="Forgot the password?").click()
    page.get_by_role("link", name="Back to sign in").click()
    page.get_by_role("link", name="Make an account").click()
    expect(page.get_by_role("heading", name="Make an account")).to_be_visible()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make account").click()
    expect(page.get_by_role("heading", name="Join Linden Dental")).to_be_visible()
    assert page.url.endswith(f"#{path}")
    page.get_by_role("button", name="Join", exact=True).click()
    expect(page.locator(".topbar strong")).to_have_text("Linden Dental")


def test_whoever_is_invited_reads_by_whom_and_as_what_and_an_invitation_that_is_over_says_so(
    console: Consoles, practice: Practice
) -> None:
    email, path = invited(practice, "admin")
    page = console(f"{path}?mode=up")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make account").click()
    expect(page.get_by_role("heading", name="Join Linden Dental")).to_be_visible()
    expect(page.get_by_text(re.compile(f"invites {email} as an admin, until "))).to_be_visible()
    assert complaints(page) == []
    (waiting,) = [one for one in practice.owner.get("/api/invitations")["items"] if one["email"] == email]
    practice.owner.ask("DELETE", f"/api/invitations/{waiting['id']}")
    page.reload()
    expect(page.get_by_text(re.compile("This invitation was taken back. Ask .+ for another one"))).to_be_visible()
    expect(page.get_by_role("button", name="Join", exact=True)).to_have_count(0)
    page.get_by_role("link", name="go on to your workspaces").click()
    expect(page.get_by_role("heading", name="Your workspace")).to_be_visible()


def test_who_comes_back_from_google_finds_the_page_that_was_asked_for(console: Consoles, practice: Practice) -> None:
    email, path = invited(practice)
    person = Client(practice.stack.gateway)
    person.sign_up(email, PASSWORD)
    page = console("/")
    page.route(CONFIG, with_google)
    asked: list[str] = []

    def leave(route: Route) -> None:
        asked.append(sent(route.request)["continueUri"])
        route.fulfill(json={"sessionId": "s1", "authUri": f"{asked[0]}?state=s&code=c"})

    def come_back(route: Route) -> None:
        body = sent(route.request)
        assert (body["sessionId"], body["requestUri"]) == ("s1", f"{asked[0]}?state=s&code=c")
        route.fulfill(json={"idToken": person.token, "refreshToken": person.refresh_token, "expiresIn": "3600"})

    page.route("**/accounts:createAuthUri**", leave)
    page.route("**/accounts:signInWithIdp**", come_back)
    page.goto(f"{practice.stack.gateway}/#{path}")
    page.reload()
    page.get_by_role("button", name="Sign in with Google").click()
    expect(page.get_by_role("heading", name="Join Linden Dental")).to_be_visible()
    assert page.url == f"{practice.stack.gateway}/#{path}"
    expect(page.get_by_text(email)).to_be_visible()


@pytest.mark.parametrize("signed_in", [True, False])
def test_who_cannot_reach_the_platform_stays_signed_in_and_reads_that_only_where_it_is_so(
    console: Consoles, practice: Practice, signed_in: bool
) -> None:
    page = console("/", who=practice) if signed_in else console("/")
    page.route(CONFIG, lambda route: route.fulfill(status=503, body=""))
    page.reload()
    expect(page.get_by_role("heading", name="AgentHub cannot be reached")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_text("You stay signed in")).to_have_count(int(signed_in))


def test_who_cancels_at_google_or_is_refused_there_reads_it_at_the_door(console: Consoles, practice: Practice) -> None:
    page = console("/")
    page.route(CONFIG, with_google)
    back = ["?state=s&error=access_denied", "?state=s&code=c"]

    def leave(route: Route) -> None:
        asked = sent(route.request)["continueUri"]
        route.fulfill(json={"sessionId": "s1", "authUri": asked + back.pop(0)})

    refusal = {"error": {"code": 400, "message": "INVALID_IDP_RESPONSE : The supplied auth credential is malformed"}}
    page.route("**/accounts:createAuthUri**", leave)
    page.route("**/accounts:signInWithIdp**", lambda route: route.fulfill(status=400, json=refusal))
    page.goto(f"{practice.stack.gateway}/#/settings")
    page.reload()
    google = page.get_by_role("button", name="Sign in with Google")
    google.click()
    expect(page.get_by_text("Signing in with Google was cancelled.")).to_be_visible()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    expect(page.get_by_text("You stay signed in")).to_have_count(0)
    assert complaints(page) == []
    google.click()
    expect(page.get_by_text("Google did not sign you in")).to_be_visible()
    # What is asked for there still opens for who signs in another way.
    page.get_by_label("Email").fill(practice.email)
    page.get_by_label("Password").fill(practice.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def test_a_new_address_is_proved_by_a_mail_that_can_be_sent_again(console: Consoles, practice: Practice) -> None:
    email, path = invited(practice)
    page = console(f"{path}?mode=up")
    unproved = {"status": 403, "title": "You may not do this", "code": "email_not_verified", "detail": "", "errors": []}
    page.route("**/accept", lambda route: route.fulfill(status=403, json=unproved), times=1)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make account").click()
    page.get_by_role("button", name="Join", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(email)
    with page.expect_request("**/accounts:sendOobCode**") as asked:
        alert.get_by_role("button", name="Send the mail again").click()
    body = sent(asked.value)
    assert (body["requestType"], body["continueUrl"]) == ("VERIFY_EMAIL", page.url)
    expect(alert).to_contain_text("It is on its way.")
    assert complaints(page) == []
    page.get_by_role("button", name="Join", exact=True).click()
    expect(page.locator(".topbar strong")).to_have_text("Linden Dental")


def test_a_form_that_is_half_typed_outlives_the_session(console: Consoles, practice: Practice) -> None:
    page = console("/settings", who=practice)
    days = page.get_by_label("Keep conversations for")
    days.fill("75")
    end(page)
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_be_visible()
    page.unroute_all()
    dialog.get_by_label(re.compile("Password of")).fill(practice.password)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).not_to_be_visible()
    expect(days).to_have_value("75")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    assert practice.owner.get("/api/workspace")["retention_days"] == 75


def test_a_single_401_renews_the_token_and_nobody_is_asked(console: Consoles, practice: Practice) -> None:
    page = console("/settings", who=practice)
    page.get_by_label("Keep conversations for").fill("80")
    page.route(re.compile("/api/workspace$"), refuse, times=1)
    with page.expect_response(REFRESHES):
        page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert practice.owner.get("/api/workspace")["retention_days"] == 80


def test_who_comes_by_google_signs_in_again_in_another_tab_and_goes_on(console: Consoles, practice: Practice) -> None:
    page = console("/settings", who=practice)
    page.context.route(CONFIG, with_google)
    page.reload()
    days = page.get_by_label("Keep conversations for")
    days.fill("85")
    page.context.route(REFRESHES, revoked)
    page.route("**/api/**", refuse)
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_be_visible()
    assert complaints(page) == []
    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name="Sign in with Google").click()
    door = opened.value
    # Google itself is not on this machine; what counts is that the other tab holds a session of the same person.
    expect(door.get_by_role("button", name="Sign in with Google")).to_be_visible()
    expect(days).to_have_value("85")
    page.context.unroute(REFRESHES)
    page.unroute_all()
    other = Client(practice.stack.gateway)
    other.sign_up(f"{uuid.uuid4().hex[:10]}@example.com", PASSWORD)
    with page.expect_response(REFRESHES):
        door.evaluate("token => localStorage.setItem('agenthub.session', token)", other.refresh_token)
    expect(dialog).to_be_visible()
    door.get_by_label("Email").fill(practice.email)
    door.get_by_label("Password").fill(practice.password)
    door.get_by_role("button", name="Sign in", exact=True).click()
    expect(door.get_by_role("heading", name="Home")).to_be_visible()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    assert practice.owner.get("/api/workspace")["retention_days"] == 85


def test_a_session_that_ends_on_a_page_without_the_frame_is_begun_anew_there(
    console: Consoles, practice: Practice
) -> None:
    _, path = invited(practice)
    page = console("/settings", who=practice)
    end(page)
    page.evaluate(f"location.hash = {json.dumps(path)}")
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_be_visible()
    page.unroute_all()
    dialog.get_by_label(re.compile("Password of")).fill(practice.password)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("alert")).to_contain_text("This invitation is for another address.")
    expect(page.get_by_role("button", name="Use another account")).to_be_visible()


def test_a_tab_does_not_slip_into_the_workspace_that_another_tab_switched_to(
    console: Consoles, practice: Practice
) -> None:
    theirs = colleague(practice, "admin")
    page = console("/settings", who=theirs)
    expect(page.locator(".topbar strong")).to_have_text("Linden Dental")
    # Founding one's own switches to it.
    theirs.owner.ask("POST", "/api/workspaces", {"name": "Elm Street Law", "country": "US"})
    page.get_by_label("Keep conversations for").fill("33")
    page.route(re.compile("/api/workspace$"), refuse, times=1)
    page.on("dialog", lambda asked: asked.accept())
    written: list[str] = []
    page.on("request", lambda one: written.append(one.url) if one.method == "PATCH" else None)
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name="Save").click()
    expect(page.locator(".topbar strong")).to_have_text("Elm Street Law")
    assert len(written) == 1  # The one that was refused.
