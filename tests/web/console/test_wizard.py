"""The wizard: from an industry to a published agent with a widget, by keyboard, over reloads, conflicts and lost connections."""

import json
import re

import pytest
from playwright.sync_api import FrameLocator, Page, Route, expect

from tests.e2e.client import until
from tests.e2e.practice import Practice
from tests.web.console.conftest import WIDTHS, Consoles, complaints, reach, sideways
from tests.web.console.people import stranger

STEPS = ("industry", "goals", "model", "knowledge", "look", "review")


def chat(page: Page) -> FrameLocator:
    """The draft's chat that is in view, with the real widget in it."""
    return page.frame_locator('iframe[data-shown][title="Chat with the draft"]')


def on(page: Page, step: str) -> None:
    expect(page.locator("main h2").first).to_have_text(step)


def test_a_stranger_has_a_working_widget_by_keyboard_alone(console: Consoles) -> None:
    page = stranger(console, "Linden Dental")
    reach(page, "Make an agent")
    page.keyboard.press("Enter")

    page.get_by_role("radio", name="Dental practice").wait_for()
    expect(page.get_by_label("Name of your business")).to_have_value("Linden Dental")
    reach(page, "Any business")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Dental practice")).to_be_checked()
    reach(page, "Next: Goals")
    page.keyboard.press("Enter")

    on(page, "Goals and tone")
    reach(page, "How people reach you")
    page.keyboard.type("+49 30 5550 100")
    page.keyboard.press("Control+s")
    expect(page.locator(".wizard-foot .saved")).to_have_text("Saved")
    reach(page, "Next: Model")
    page.keyboard.press("Enter")

    on(page, "Model")
    expect(page.locator(".pick-price").first).to_contain_text(re.compile(r"USD \d"))
    expect(page.get_by_text("What the figure assumes")).to_be_visible()
    reach(page, "Next: Knowledge")
    page.keyboard.press("Enter")

    on(page, "Knowledge")
    reach(page, "Question")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    reach(page, "Question")
    page.keyboard.type("When are you open?")
    page.keyboard.press("Tab")
    page.keyboard.type("Monday to Friday from 8 to 18.")
    reach(page, "Add answer")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Delete When are you open?")).to_be_visible()
    reach(page, "Write a message")
    page.keyboard.type("When are you open?")
    page.keyboard.press("Enter")
    expect(chat(page).locator(".message.agent .bubble").last).to_contain_text("from 8 to 18")
    expect(page.get_by_text(re.compile(r"Turns are charged: USD [\d.]+ so far"))).to_be_visible()
    reach(page, "Next: Look")
    page.keyboard.press("Enter")

    on(page, "Look")
    reach(page, "Paper")
    page.keyboard.press("ArrowDown")
    reach(page, "Next: Review")
    page.keyboard.press("Enter")

    on(page, "Review")
    reach(page, "Your site")
    page.keyboard.type("www.linden.example/contact")
    reach(page, "Publish")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="It lives").wait_for()
    expect(page.get_by_label("Embed code")).to_contain_text("data-widget")
    expect(page.get_by_text("may open on https://www.linden.example")).to_be_visible()
    tried = page.get_by_role("link", name="Try it on a page")
    expect(tried).to_have_attribute("href", re.compile(r"/try\.html\?widget=wgt_"))
    assert complaints(page) == []

    with page.expect_popup() as opened:
        reach(page, "Try it on a page")
        page.keyboard.press("Enter")
    visited = opened.value
    visited.get_by_role("button", name=re.compile("Open chat")).wait_for()
    reach(visited, "Open chat")
    visited.keyboard.press("Enter")
    expect(visited.get_by_role("textbox", name="Write a message")).to_be_focused()
    visited.keyboard.type("When are you open?")
    visited.keyboard.press("Enter")
    expect(visited.locator(".message.agent .bubble").last).to_contain_text("from 8 to 18")


@pytest.fixture(scope="module")
def draft(practice: Practice) -> str:
    """A draft that is not published."""
    body = {"name": "Draft", "industry": "dental", "business": {"name": "Linden"}}
    made: str = practice.owner.ask("POST", "/api/agents", body).json()["id"]
    return made


def test_a_reload_in_the_middle_loses_nothing(console: Consoles, practice: Practice, draft: str) -> None:
    page = console(f"/agents/new/{draft}?step=goals", who=practice)
    page.get_by_label("How people reach you").fill("ring twice")
    expect(page.locator(".wizard-foot .saved")).to_have_text("Not saved yet")
    page.reload()
    expect(page.get_by_label("How people reach you")).to_have_value("ring twice")
    page.get_by_role("button", name="Next: Model").click()
    on(page, "Model")
    page.get_by_role("button", name="Next: Knowledge").click()
    page.get_by_role("button", name="Text", exact=True).click()
    page.get_by_label("Title").fill("Prices")
    page.reload()
    expect(page.get_by_label("Title")).to_have_value("Prices")
    stored = practice.owner.get(f"/api/agents/{draft}")["definition"]["business"]
    assert stored["contact"] == "ring twice"


def test_what_somebody_else_saved_stands_beside_ones_own(console: Consoles, practice: Practice, draft: str) -> None:
    page = console(f"/agents/new/{draft}?step=goals", who=practice)
    page.get_by_label("Opening hours").fill("mine")
    path = f"/api/agents/{draft}"
    theirs = {"business": {"opening_hours": "theirs"}}
    practice.owner.ask("PATCH", path, theirs, If_Match=practice.owner.etag(path))
    page.get_by_role("button", name="Next: Model").click()
    dialog = page.get_by_role("dialog", name="Somebody else changed this")
    expect(dialog).to_contain_text("theirs")
    expect(dialog).to_contain_text("mine")
    dialog.get_by_role("button", name="Save what is chosen").click()
    expect(page.locator(".wizard-foot .saved")).to_have_text("Saved")
    assert practice.owner.get(path)["definition"]["business"]["opening_hours"] == "mine"


def test_what_somebody_else_saved_before_a_reload_stands_beside_ones_own(
    console: Consoles, practice: Practice, draft: str
) -> None:
    page = console(f"/agents/new/{draft}?step=goals", who=practice)
    page.get_by_label("Opening hours").fill("mine, before the reload")
    path = f"/api/agents/{draft}"
    theirs = {"business": {"opening_hours": "theirs, before the reload", "contact": "their phone"}}
    practice.owner.ask("PATCH", path, theirs, If_Match=practice.owner.etag(path))
    page.reload()
    expect(page.get_by_label("Opening hours")).to_have_value("mine, before the reload")
    expect(page.get_by_label("How people reach you")).to_have_value("their phone")
    page.get_by_role("button", name="Next: Model").click()
    dialog = page.get_by_role("dialog", name="Somebody else changed this")
    expect(dialog.locator("legend")).to_have_count(1)
    expect(dialog).to_contain_text("theirs, before the reload")
    dialog.get_by_role("radio", name="Theirs, stored now").check()
    dialog.get_by_role("button", name="Save what is chosen").click()
    expect(page.locator(".wizard-foot .saved")).to_have_text("Saved")
    assert practice.owner.get(path)["definition"]["business"]["opening_hours"] == "theirs, before the reload"


def test_offline_keeps_what_was_typed_and_the_step(console: Consoles, practice: Practice, draft: str) -> None:
    page = console(f"/agents/new/{draft}?step=look", who=practice)
    page.get_by_label("Greeting").fill("Good day! How may we help?")
    page.route("**/api/agents/**", lambda route: route.abort())
    page.get_by_role("button", name="Next: Review").click()
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    on(page, "Look")
    expect(page.get_by_label("Greeting")).to_have_value("Good day! How may we help?")
    page.unroute_all()
    page.get_by_role("button", name="Next: Review").click()
    on(page, "Review")


@pytest.mark.parametrize(
    ("name", "told"), [("x" * 81, re.compile("80")), (" ", "Give the agent a name.")], ids=["too long", "empty"]
)
def test_a_name_that_is_too_long_or_empty_is_told_at_its_field(
    console: Consoles, practice: Practice, draft: str, name: str, told: str | re.Pattern[str]
) -> None:
    page = console(f"/agents/new/{draft}?step=look", who=practice)
    field = page.get_by_label("Name of the agent")
    # The field takes no more than the server does; where the two ever differ, the server's word stands at the field.
    field.evaluate("one => one.removeAttribute('maxlength')")
    field.fill(name)
    page.get_by_role("button", name="Next: Review").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field", has=field).locator(".error")).to_contain_text(told)
    expect(field).to_be_focused()
    on(page, "Look")
    expect(field).to_have_value(name)
    assert practice.owner.get(f"/api/agents/{draft}")["definition"]["name"] != name


def test_publishing_goes_on_where_it_stopped(console: Consoles, practice: Practice) -> None:
    """The widget's request fails once: trying again publishes nothing twice and makes one widget."""
    agent = practice.owner.ask("POST", "/api/agents", {"name": "Twice", "industry": "general"}).json()["id"]
    page = console(f"/agents/new/{agent}?step=review", who=practice)

    def fails(route: Route) -> None:
        body = {
            "title": "Not available just now",
            "status": 503,
            "code": "unavailable",
            "detail": "",
            "request_id": "r1",
        }
        route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(body))

    page.route(re.compile("/api/widgets$"), fails, times=1)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alert")).to_contain_text("makes nothing twice")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("heading", name="It lives").wait_for()
    assert practice.owner.get(f"/api/my-agents/{agent}/status")["status"] == "active"
    assert len(practice.owner.get(f"/api/agents/{agent}/versions")["items"]) == 1
    widgets = practice.owner.get("/api/widgets")["items"]
    assert len([one for one in widgets if one["agent_id"] == agent]) == 1


def test_an_address_that_is_no_site_keeps_from_publishing(console: Consoles, practice: Practice, draft: str) -> None:
    page = console(f"/agents/new/{draft}?step=review", who=practice)
    page.get_by_role("textbox", name="Your site").fill("not a site")
    expect(page.locator(".field .error")).to_contain_text("no address of a site")
    expect(page.get_by_role("button", name="Publish")).to_have_attribute("aria-disabled", "true")


def test_knowledge_comes_from_a_file_and_is_found(console: Consoles, practice: Practice, draft: str) -> None:
    page = console(f"/agents/new/{draft}?step=knowledge", who=practice)
    page.get_by_role("button", name="File", exact=True).click()
    page.get_by_label("File", exact=True).last.set_input_files(
        {"name": "Prices.md", "mimeType": "text/markdown", "buffer": b"# Bleaching\n\nBleaching costs 300 euros.\n"}
    )
    page.get_by_role("button", name="Add file").click()
    expect(page.get_by_role("button", name="Delete Prices")).to_be_visible()
    page.get_by_role("searchbox", name="Question").fill("What does bleaching cost?")
    page.get_by_role("button", name="Search", exact=True).last.click()
    expect(page.locator(".passage").first).to_contain_text("300 euros")


def test_the_draft_answers_in_the_real_widget_in_the_colours_that_are_chosen(
    console: Consoles, practice: Practice, draft: str
) -> None:
    page = console(f"/agents/new/{draft}?step=look", who=practice, width=1440)
    page.get_by_label("Greeting").fill("Welcome to Linden.")
    expect(chat(page).get_by_text("Welcome to Linden.")).to_be_visible()
    page.get_by_role("button", name="Save now").click()
    accent = "getComputedStyle(document.querySelector('agenthub-chat')).getPropertyValue('--ah-accent')"
    before = chat(page).locator("body").evaluate(accent)
    chat(page).get_by_role("textbox").fill("When are you open?")
    chat(page).get_by_role("textbox").press("Enter")
    answer = chat(page).locator(".message.agent .bubble").last
    expect(answer).not_to_contain_text("Welcome")
    expect(page.get_by_text(re.compile(r"Turns are charged: USD 0\.0\d+ so far"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"tokens, USD 0\.0\d+"))).to_be_visible()
    said = answer.inner_text()
    page.get_by_role("radio", name=re.compile("Forest")).check()
    expect(chat(page).locator(".message.agent .bubble").last).to_have_text(said)
    until(20, lambda: chat(page).locator("body").evaluate(accent) != before)
    page.get_by_role("button", name="Begin anew").click()
    expect(chat(page).locator(".message.visitor")).to_have_count(0)
    [talk] = practice.owner.get(f"/api/conversations?agent_id={draft}")["items"]
    assert talk["channel"] == "playground"


def test_a_draft_that_may_not_answer_says_why_beside_the_widget(
    console: Consoles, practice: Practice, draft: str
) -> None:
    page = console(f"/agents/new/{draft}?step=look", who=practice, width=1440)
    page.route(
        re.compile("/chat$"),
        lambda route: route.fulfill(
            status=402, json={"status": 402, "code": "cap_reached", "title": "Cap reached", "detail": "Raise the cap."}
        ),
    )
    chat(page).get_by_role("textbox").fill("When are you open?")
    chat(page).get_by_role("textbox").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Raise the cap.")
    expect(chat(page).locator(".notice")).to_contain_text("cannot answer right now")


def test_a_viewer_sees_no_wizard(console: Consoles, practice: Practice) -> None:
    page = console("/nowhere", who=practice)
    page.route(
        re.compile("/api/workspace$"),
        lambda route: route.fulfill(json={**route.fetch().json(), "role": "viewer"}),
    )
    page.reload()
    page.evaluate("location.hash = '/agents/new'")
    expect(page.get_by_text("You may look, not build")).to_be_visible()


@pytest.mark.parametrize(("width", "colours"), tuple(zip(WIDTHS, ("dark", "light", "dark"), strict=True)))
def test_no_step_has_a_complaint_and_each_fits(
    console: Consoles, practice: Practice, draft: str, width: int, colours: str
) -> None:
    page = console("/agents/new", who=practice, width=width, color_scheme=colours)
    page.get_by_role("radio").first.wait_for()
    assert complaints(page) == []
    assert sideways(page) <= 0
    for step in STEPS:
        page.evaluate("hash => { location.hash = hash }", f"/agents/new/{draft}?step={step}")
        page.locator(f'a[aria-current="step"][href$="step={step}"]').wait_for(state="attached")
        expect(page.locator("main .skeleton")).to_have_count(0)
        assert complaints(page) == [], step
        assert sideways(page) <= 0, step
    if width < 1100:
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_role("dialog", name="Your draft")).to_be_visible()
        expect(page.get_by_text("Turns are charged")).to_be_visible()
        assert complaints(page) == []


@pytest.mark.parametrize("step", ["industry", "goals", "model"])
def test_the_way_on_is_one_line_on_a_phone(console: Consoles, practice: Practice, draft: str, step: str) -> None:
    page = console(f"/agents/new/{draft}?step={step}", who=practice, width=360)
    on = page.get_by_role("button", name=re.compile("^Next: "))
    expect(on).to_be_visible()
    tops = "r.selectNodeContents(one); return [...r.getClientRects()].map((box) => Math.round(box.top))"
    assert len(set(on.evaluate(f"one => {{ const r = document.createRange(); {tops} }}"))) == 1
    assert sideways(page) <= 0
