"""The frame around every page: the door, the first workspace, the sidebar, the palette, and a session that ends."""

import re

import pytest
from playwright.sync_api import Dialog, Locator, Page, Route, expect

from tests.e2e.practice import Practice
from tests.web.console.conftest import WIDTHS, Consoles, Make, complaints, sideways
from tests.web.console.people import stranger

MOVED = """
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.moved = (window.moved ?? 0) + one.value; })
  .observe({ type: "layout-shift", buffered: true });
"""


def test_the_frame_is_there_before_any_script_and_nothing_moves_when_the_page_comes(
    console: Consoles, practice: Practice
) -> None:
    page = console("/", who=practice)
    expect(page.locator(".topbar strong")).to_have_text("Linden Dental")
    # What the next visit begins with is kept when the workspace is known.
    expect(page.locator(".cap:not(.waiting)")).to_be_visible()
    page.add_init_script(MOVED)
    waiting: list[Route] = []
    page.route("**/assets/*.js", lambda route: waiting.append(route))
    page.route("**/config.json", lambda route: waiting.append(route))
    page.reload(wait_until="commit")
    expect(page.locator(".first.shell .brand")).to_be_visible()
    expect(page.locator(".first.sign-in")).to_be_hidden()
    before = page.locator(".sidebar:visible").bounding_box()

    page.unroute("**/assets/*.js")
    while waiting:
        waiting.pop().continue_()
    expect(page.locator("#main[aria-busy]")).to_be_visible()
    expect(page.locator(".topbar strong")).to_have_text("Linden Dental")
    expect(page.get_by_role("link", name="Billing")).to_be_visible()
    expect(page.locator("h1")).to_have_count(0)
    for route in waiting:
        route.continue_()
    page.unroute("**/config.json")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    assert page.locator(".sidebar").bounding_box() == before
    assert page.evaluate("window.moved ?? 0") < 0.1  # web.dev: good up to 0.1


def test_the_door_is_there_before_the_configuration(console: Consoles, practice: Practice) -> None:
    page = console("/")
    waiting: list[Route] = []
    page.route("**/config.json", lambda route: waiting.append(route))
    page.reload(wait_until="commit")
    page.get_by_label("Email").fill(practice.email)
    page.get_by_label("Password").fill(practice.password)
    page.get_by_role("button", name="Sign in").click()
    for route in waiting:
        route.continue_()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_a_stranger_makes_an_account_and_a_workspace_by_keyboard_alone(console: Consoles) -> None:
    page = stranger(console, "Straßenbahnhaltestellenverwaltung قهوة")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.locator(".topbar strong")).to_have_text("Straßenbahnhaltestellenverwaltung قهوة")


def test_a_wrong_password_says_so_at_its_field(console: Consoles, practice: Practice) -> None:
    page = console("/")
    page.get_by_label("Email").fill(practice.email)
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field .error")).to_contain_text("do not match")


def test_a_reload_keeps_the_session_and_signing_out_ends_it(console: Consoles, practice: Practice) -> None:
    page = console("/status", who=practice)
    page.reload()
    expect(page.locator(".topbar strong")).to_have_text("Linden Dental")
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_who_stays_at_what_is_unsaved_stays_signed_in_and_who_signs_out_leaves_nothing_typed(
    console: Consoles, practice: Practice, make: Make
) -> None:
    page = console(f"/agents/new/{make()}?step=goals", who=practice)
    page.get_by_label("How people reach you").fill("ring twice")
    kept = "Object.keys(sessionStorage).filter((name) => name.startsWith('agenthub.kept.')).length"
    assert page.evaluate(kept) > 0
    page.evaluate("location.hash = '/settings'")
    page.get_by_label("Keep conversations for").fill("66")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        if len(asked) == 1:
            dialog.dismiss()
        else:
            dialog.accept()

    page.on("dialog", answer)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_label("Keep conversations for")).to_have_value("66")
    assert page.evaluate("localStorage.getItem('agenthub.session')")
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert asked == ["confirm", "confirm"]
    assert page.evaluate(kept) == 0
    assert page.evaluate("localStorage.getItem('agenthub.session')") is None


def test_a_session_that_ends_asks_for_the_password_over_the_page(console: Consoles, practice: Practice) -> None:
    page = console("/", who=practice)
    expect(page.locator(".topbar strong")).to_have_text("Linden Dental")

    def gone(route: Route) -> None:
        route.fulfill(status=401, content_type="application/json", body='{"code": 401, "message": "Jwt is expired"}')

    page.route("**/api/**", gone)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_be_visible()
    page.unroute("**/api/**", gone)
    dialog.get_by_label(re.compile("Password of")).fill(practice.password)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).not_to_be_visible()


def test_the_palette_finds_pages_and_agents_by_keyboard(console: Consoles, practice: Practice) -> None:
    page = console("/", who=practice)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name=re.compile("Search")).fill("billing")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/billing$"))
    page.keyboard.press("Control+k")
    page.keyboard.type("Mia")
    expect(page.get_by_role("option", name=re.compile("Mia"))).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"#/agents/{practice.agent}$"))


def test_what_was_found_for_other_words_is_not_opened(console: Consoles, practice: Practice) -> None:
    page = console("/", who=practice)
    page.keyboard.press("Control+k")
    page.keyboard.type("Mia")
    expect(page.get_by_role("option", name=re.compile("Mia"))).to_be_visible()
    # While the answer for the new words is on its way.
    page.route("**/api/dashboard/search?*", lambda route: None)
    page.keyboard.type("x")
    expect(page.get_by_role("option", name=re.compile("Mia"))).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Search")).to_be_visible()
    page.keyboard.press("Backspace")
    expect(page.get_by_role("option", name=re.compile("Mia"))).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Searching")).to_have_count(1)


def test_an_address_that_leads_nowhere_says_so(console: Consoles, practice: Practice) -> None:
    page = console("/nowhere/at/all", who=practice)
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_home_has_no_complaint_from_axe_and_fits_its_window(console: Consoles, practice: Practice, width: int) -> None:
    practice.turn()
    page = console("/", who=practice, width=width)
    expect(page.get_by_role("heading", name="Latest conversations")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    assert complaints(page) == []
    assert sideways(page) <= 0


def test_what_arrives_while_somebody_reads_waits_behind_a_button(console: Consoles, practice: Practice) -> None:
    practice.turn("Is there parking?")
    page = console("/", who=practice)
    expect(page.get_by_role("link", name="Is there parking?").first).to_be_visible()
    practice.turn("Do you whiten teeth?")
    page.get_by_role("button", name=re.compile("new")).click()
    expect(page.get_by_role("link", name="Do you whiten teeth?")).to_be_visible()


def card(page: Page, name: str) -> Locator:
    return page.locator("main .card", has=page.get_by_role("heading", name=name, exact=True))


@pytest.mark.parametrize(
    ("status", "code", "seen"),
    [(403, "forbidden", "You may not"), (429, "too_many_requests", "Try again in"), (503, "unavailable", "Try again")],
)
def test_home_shows_what_failed_with_its_request_id(
    console: Consoles, practice: Practice, status: int, code: str, seen: str
) -> None:
    page = console("/nowhere", who=practice)
    titles = {403: "You may not do this", 429: "Too many requests", 503: "Not available just now"}
    body = (
        f'{{"title": "{titles[status]}", "status": {status}, "detail": "", "code": "{code}", "request_id": "req12345"}}'
    )
    page.route(
        re.compile("/api/dashboard$"),
        lambda route: route.fulfill(
            status=status, headers={"Retry-After": "30"}, content_type="application/problem+json", body=body
        ),
    )
    page.evaluate("location.hash = '/'")
    for name in ("Needs attention", "Activity"):
        alert = card(page, name).get_by_role("alert")
        expect(alert).to_contain_text(seen)
        expect(alert).to_contain_text("req12345")
    # What another request answers stands as ever.
    expect(page.get_by_role("alert")).to_have_count(2)
    expect(page.get_by_role("link", name=re.compile("^Conversations today"))).to_be_visible()
    expect(card(page, "Latest conversations").get_by_role("alert")).to_have_count(0)
    expect(page.locator("main .skeleton")).to_have_count(0)


def test_home_without_its_figures_shows_the_rest(console: Consoles, practice: Practice) -> None:
    page = console("/nowhere", who=practice)
    page.route(re.compile("/api/dashboard"), lambda route: route.abort())
    # The frame had read the figures for itself already.
    page.reload()
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.evaluate("location.hash = '/'")
    expect(card(page, "Latest conversations")).to_be_visible()
    expect(page.get_by_role("alert").first).to_contain_text("No connection")
    expect(page.get_by_text("What you see is from before")).to_have_count(0)
    expect(page.locator("main .skeleton")).to_have_count(0)
    page.unroute_all()
    page.get_by_role("button", name="Try again").first.click()
    expect(page.get_by_role("link", name=re.compile("^Conversations today"))).to_be_visible()


def test_without_a_connection_home_says_so_and_comes_back(console: Consoles, practice: Practice) -> None:
    page = console("/nowhere", who=practice)
    page.route("**/api/**", lambda route: route.abort())
    page.evaluate("location.hash = '/'")
    expect(page.get_by_role("alert").first).to_contain_text("No connection")
    page.unroute_all()
    # Each is tried alone, and the figures are asked for again and again anyway.
    for name in ("Latest conversations", "Activity"):
        card(page, name).get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_figures_stand_in_pairs_on_a_phone_and_a_long_one_takes_its_row(console: Consoles, practice: Practice) -> None:
    practice.turn()
    page = console("/", who=practice, width=360)
    tiles = page.locator(".tile")
    expect(tiles.nth(1).locator(".figure")).to_contain_text("USD")
    tops = "all => all.map((one) => Math.round(one.getBoundingClientRect().top))"
    first, second, third, fourth = tiles.evaluate_all(tops)
    assert first == second < third == fourth
    tiles.nth(1).locator(".figure").evaluate("one => { one.textContent = 'USD 1,234,567.89' }")
    first, second, third, _ = tiles.evaluate_all(tops)
    assert first < second < third
    assert page.locator(".figure").evaluate_all("all => all.every((one) => one.scrollWidth <= one.clientWidth)")
    assert sideways(page) <= 0


def test_home_goes_on_with_a_draft_where_it_was_left(console: Consoles) -> None:
    page = stranger(console, "Linden Dental")
    page.get_by_role("link", name="Make an agent").click()
    page.get_by_role("radio", name="Dental practice").check()
    page.get_by_role("button", name="Next: Goals and tone").click()
    page.get_by_role("button", name="Next: Model").click()
    expect(page.locator("main h2").first).to_have_text("Model")
    page.evaluate("location.hash = '/'")
    page.get_by_role("link", name="Continue Linden Dental assistant").click()
    expect(page.locator("main h2").first).to_have_text("Model")


def test_a_viewer_is_not_offered_to_make_what_they_may_not(console: Consoles) -> None:
    page = stranger(console, "Linden Dental")
    expect(page.get_by_role("link", name="Make an agent")).to_be_visible()

    def as_viewer(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, json={**found.json(), "role": "viewer"})

    page.route(re.compile("/api/workspace$"), as_viewer)
    page.reload()
    expect(page.get_by_text("A member, admin or owner of this workspace can do this.")).to_be_visible()
    expect(page.get_by_role("link", name="Make an agent")).to_have_count(0)
    expect(page.get_by_role("link", name="New agent")).to_have_count(0)


def test_the_names_in_the_rail_are_of_readable_size_and_have_room(console: Consoles, practice: Practice) -> None:
    page = console("/nowhere", who=practice, width=768)
    links = page.locator(".sidebar .nav-link")
    expect(links.first).to_be_visible()
    sizes = links.evaluate_all("all => all.map((one) => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) >= 12
    assert links.evaluate_all("all => all.every((one) => one.scrollWidth <= one.clientWidth)")


def test_what_could_not_be_copied_says_so(console: Consoles, practice: Practice) -> None:
    page = console("/nowhere", who=practice)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')) }")
    gone = {"status": 503, "title": "Not available just now", "code": "unavailable", "detail": "", "request_id": "r1"}
    page.route(re.compile("/api/dashboard$"), lambda route: route.fulfill(status=503, json=gone))
    page.evaluate("location.hash = '/'")
    page.get_by_role("button", name="Copy id").first.click()
    expect(page.get_by_role("button", name="Not copied: select it by hand")).to_be_visible()


def test_the_page_takes_scripts_and_styles_from_its_own_origin_only(console: Consoles) -> None:
    page = console("/")
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
    directives = {name: sources for name, *sources in (one.split() for one in policy.split(";"))}
    assert directives == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        # Where the API, the CDN and Google's identity are is known when it is deployed, not when it is built.
        "img-src": ["'self'", "data:", "blob:", "https:"],
        "connect-src": ["'self'", "https:"],
        "frame-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }
