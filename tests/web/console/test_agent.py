"""One agent's tabs: published by keyboard, taught, compared, written as YAML, and never overwritten unseen."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.practice import HOURS, QUESTION, Practice
from tests.web.console.conftest import WIDTHS, Consoles, Make, complaints, late, sideways

TABS = ("overview", "prompt", "knowledge", "playground", "versions", "yaml", "settings")


def editor(page: Page) -> str:
    """What the YAML editor holds, from inside its shadow root."""
    expect(page.locator(".editor .cm-content")).to_be_visible()
    return "\n".join(page.locator(".editor .cm-line").all_inner_texts())


def patched(practice: Practice, agent: str, **fields: object) -> None:
    """Somebody else changes the draft."""
    path = f"/api/agents/{agent}"
    practice.owner.ask("PATCH", path, fields, If_Match=practice.owner.etag(path))


def test_a_draft_is_published_and_switched_on_by_keyboard(console: Consoles, practice: Practice, make: Make) -> None:
    agent = make()
    page = console(f"/agents/{agent}", who=practice)
    expect(page.get_by_text("Not published yet")).to_be_visible()
    expect(page.get_by_role("switch", name="Answers visitors")).to_be_disabled()
    page.get_by_role("button", name="Publish").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Version 1 is published")).to_be_visible()
    expect(page.get_by_role("switch", name="Answers visitors")).to_be_enabled()
    page.get_by_role("switch", name="Answers visitors").focus()
    page.keyboard.press("Space")
    expect(page.locator(".page-header").get_by_text("Active", exact=True)).to_be_visible()
    assert practice.owner.get(f"/api/my-agents/{agent}/status")["status"] == "active"


def test_an_agent_that_is_archived_comes_back_answering_by_undo(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent = make(name="Mara")
    practice.owner.ask("POST", f"/api/agents/{agent}/publish")
    path = f"/api/my-agents/{agent}/status"
    practice.owner.ask("PUT", path, {"status": "active"}, If_Match=practice.owner.etag(path))
    page = console(f"/agents/{agent}", who=practice)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Archive").click()
    expect(page.get_by_text("Mara is archived")).to_be_visible()
    assert practice.owner.get(path)["status"] == "archived"
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("switch", name="Answers visitors")).to_be_checked()
    assert practice.owner.get(path)["status"] == "active"


def test_failing_checks_are_a_question_before_publishing(console: Consoles, practice: Practice, make: Make) -> None:
    agent = make()
    path = f"/api/agents/{agent}/checks"
    cases = {"cases": [{"id": "hours", "question": QUESTION, "must": ["purple"]}]}
    practice.owner.ask("PUT", path, cases, If_Match=practice.owner.etag(path))
    page = console(f"/agents/{agent}", who=practice)
    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("link", name="Open the checks")).to_be_visible()
    dialog.get_by_role("button", name="Publish all the same").click()
    expect(page.get_by_text("Version 1 is published")).to_be_visible()


def test_settings_are_saved_by_field_and_a_stale_one_shows_both(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent = make(greeting="Hello")
    page = console(f"/agents/{agent}?tab=settings", who=practice)
    page.get_by_label("Greeting").fill("Good day")
    page.get_by_label("Temperature").fill("9")
    page.get_by_label("Temperature").blur()
    expect(page.get_by_text("Temperature is between 0 and 2.")).to_be_visible()
    page.get_by_label("Temperature").fill("")
    patched(practice, agent, greeting="Welcome", tone="formal")
    expect(page.get_by_text("1 unsaved change")).to_be_visible()
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Somebody else changed this")
    expect(dialog).to_contain_text("Welcome")
    expect(dialog).to_contain_text("Good day")
    dialog.get_by_role("button", name="Save what is chosen").click()
    expect(page.get_by_text("The draft is saved")).to_be_visible()
    draft = practice.owner.get(f"/api/agents/{agent}")["definition"]
    assert (draft["greeting"], draft["tone"]) == ("Good day", "formal")


def test_two_spans_of_hours_are_typed_key_by_key_and_a_wrong_one_is_not_sent(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent = make()
    page = console(f"/agents/{agent}?tab=settings", who=practice)
    page.get_by_role("radio", name="At these hours").check()
    monday = page.get_by_label("Monday")
    monday.select_text()
    page.keyboard.type("09:00-12:30, 13:30 - 18:00")
    expect(monday).to_have_value("09:00-12:30, 13:30 - 18:00")
    tuesday = page.get_by_label("Tuesday")
    tuesday.select_text()
    page.keyboard.type("nine")
    expect(page.locator(".field .error")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.get_by_text("Write it as 09:00-17:00.")).to_be_visible()
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Write the hours of Tuesday as 09:00-17:00.")).to_be_visible()
    expect(tuesday).to_be_focused()
    assert complaints(page) == []
    tuesday.fill("")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("The draft is saved")).to_be_visible()
    hours = practice.owner.get(f"/api/agents/{agent}")["definition"]["business"]["hours"]
    assert (hours["monday"], hours["tuesday"]) == (["09:00-12:30", "13:30-18:00"], [])


def test_a_conflict_that_is_found_when_another_tab_shows_is_seen_over_it(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent = make(greeting="Hello")
    page = console(f"/agents/{agent}?tab=settings", who=practice)
    page.get_by_label("Greeting").fill("Good day")
    patched(practice, agent, greeting="Welcome")
    with late(page, "PATCH", f"**/api/agents/{agent}"):
        page.get_by_role("button", name="Save draft").click()
        page.get_by_role("link", name="Prompt").click()
        expect(page.get_by_label("Greeting")).to_be_hidden()
    dialog = page.get_by_role("dialog", name="Somebody else changed this")
    expect(dialog).to_contain_text("Welcome")
    assert complaints(page) == []
    dialog.get_by_role("button", name="Save what is chosen").click()
    expect(page.get_by_text("The draft is saved")).to_be_visible()
    assert practice.owner.get(f"/api/agents/{agent}")["definition"]["greeting"] == "Good day"
    expect(page).to_have_url(re.compile("tab=prompt$"))


def test_the_key_saves_the_form_that_is_in_sight_and_no_other(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent = make(greeting="Hello")
    page = console(f"/agents/{agent}?tab=settings", who=practice)
    page.get_by_label("Greeting").fill("Good day")
    page.get_by_role("link", name="YAML").click()
    page.locator(".cm-line", has_text="greeting: Hello").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("# mine")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("The draft is saved")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Settings").last.click()
    expect(page.get_by_text("1 unsaved change")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("1 unsaved change")).to_have_count(0)
    assert "# mine" in practice.owner.ask("GET", f"/api/agents/{agent}/config").text
    assert practice.owner.get(f"/api/agents/{agent}")["definition"]["greeting"] == "Good day"


def test_what_is_typed_asks_before_it_is_left_and_stays_with_its_agent(
    console: Consoles, practice: Practice, make: Make
) -> None:
    one, two = make(), make(name="The other one")
    page = console(f"/agents/{two}?tab=settings", who=practice)
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_value("The other one")
    page.evaluate(f"location.hash = '/agents/{one}?tab=settings'")
    expect(name).not_to_have_value("The other one")
    name.fill("Mine")
    page.once("dialog", lambda asked: asked.dismiss())
    page.locator(".above a").click()
    expect(name).to_have_value("Mine")
    # Publishing reads the draft anew, with what somebody else called it: that is not overwritten unseen either.
    patched(practice, one, name="Theirs")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name="Theirs")).to_be_visible()
    page.get_by_role("button", name="Save draft").click()
    dialog = page.get_by_role("dialog", name="Somebody else changed this")
    expect(dialog).to_contain_text("Mine")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Save draft")).to_be_focused()
    page.once("dialog", lambda asked: asked.accept())
    page.evaluate(f"location.hash = '/agents/{two}?tab=settings'")
    expect(name).to_have_value("The other one")
    expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)


def test_knowledge_is_taught_found_changed_and_forgotten(console: Consoles, practice: Practice, make: Make) -> None:
    agent = make()
    page = console(f"/agents/{agent}?tab=knowledge", who=practice)
    page.get_by_role("button", name="Add Q&A").first.click()
    page.get_by_label("Question", exact=True).fill(QUESTION)
    page.get_by_label("Answer", exact=True).fill(HOURS)
    page.get_by_role("button", name="Add item").click()
    expect(page.get_by_role("row", name=re.compile("When are you open"))).to_be_visible()
    page.get_by_label("A question as a visitor").fill("When do you open on Monday?")
    page.keyboard.press("Enter")
    found = page.get_by_role("list", name=re.compile("Found for"))
    expect(found).to_contain_text("Monday to Friday")
    expect(found).to_contain_text("score")
    page.get_by_role("row").get_by_role("button", name=QUESTION, exact=True).click()
    (item,) = practice.owner.get(f"/api/agents/{agent}/knowledge")["items"]
    path = f"/api/agents/{agent}/knowledge/{item['id']}"
    theirs = {"kind": "qa", "title": "Theirs", "pairs": [{"question": QUESTION, "answer": "Never."}]}
    expect(page.get_by_label("Answer", exact=True)).to_have_value(HOURS)
    practice.owner.ask("PUT", path, theirs, If_Match=practice.owner.etag(path))
    page.get_by_label("Answer", exact=True).fill("Always.")
    page.get_by_role("button", name="Save item").click()
    expect(page.get_by_label("Stored now")).to_contain_text("Never.")
    page.get_by_role("button", name="Keep mine").click()
    page.get_by_role("button", name="Save item").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert practice.owner.get(path)["pairs"][0]["answer"] == "Always."
    page.get_by_role("button", name=re.compile("^Delete ")).click()
    page.get_by_role("button", name="Delete item").click()
    expect(page.get_by_role("heading", name="It knows nothing of you yet")).to_be_visible()


def test_a_file_is_read_and_one_of_another_kind_is_refused_before_it_is_sent(
    console: Consoles, practice: Practice, make: Make, tmp_path: Path
) -> None:
    agent = make()
    page = console(f"/agents/{agent}?tab=knowledge&add=file", who=practice)
    image, text = tmp_path / "a.png", tmp_path / "prices.md"
    image.write_bytes(b"x")
    text.write_text("# Prices\n\nA check-up costs 60 dollars.\n", encoding="utf-8")
    page.get_by_label("File", exact=True).set_input_files(image)
    expect(page.get_by_text("Only PDF, HTML, Markdown and plain text")).to_be_visible()
    page.get_by_label("File", exact=True).set_input_files(text)
    page.get_by_role("button", name="Add file").click()
    expect(page.get_by_role("row", name=re.compile("prices.*Markdown"))).to_be_visible()


def test_an_item_that_changed_since_it_was_shown_is_replaced_by_a_file_at_the_second_try(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent, owner = make(), practice.owner
    page = console(f"/agents/{agent}?tab=knowledge&add=file", who=practice)
    files = page.get_by_label("File", exact=True)
    files.set_input_files(
        {"name": "prices.html", "mimeType": "text/html", "buffer": b"<title>Prices</title><p>60 dollars.</p>"}
    )
    page.get_by_role("button", name="Add file").click()
    page.get_by_role("row").get_by_role("button", name="Prices", exact=True).click()
    page.get_by_role("button", name="Replace by a new file").click()
    (item,) = owner.get(f"/api/agents/{agent}/knowledge")["items"]
    path = f"/api/agents/{agent}/knowledge/{item['id']}"
    theirs = {"kind": "html", "title": "Their prices", "text": "70 dollars."}
    owner.ask("PUT", path, theirs, If_Match=owner.etag(path))
    files.set_input_files(
        {"name": "new.html", "mimeType": "text/html", "buffer": b"<title>New</title><p>80 dollars.</p>"}
    )
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Replace item").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Go on if you still want it.")
    expect(dialog.get_by_label("Title")).to_have_value("Their prices")
    dialog.get_by_role("button", name="Replace item").click()
    expect(dialog).to_have_count(0)
    stored = owner.get(path)
    assert (stored["title"], stored["text"]) == ("Their prices", "80 dollars.")


def test_two_versions_are_compared_and_the_older_one_comes_back(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent = make(goals=["Book visits"], tone="warm")
    practice.owner.ask("POST", f"/api/agents/{agent}/publish")
    patched(practice, agent, goals=["Book visits", "Tell prices"])
    page = console(f"/agents/{agent}?tab=versions", who=practice)
    expect(page.locator(".diff .added")).to_contain_text("Tell prices")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("row", name=re.compile("v2"))).to_be_visible()
    expect(page.locator(".diff .added")).to_contain_text("Tell prices")
    page.get_by_role("row", name=re.compile("v1")).get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("v3 is what v1 was")).to_be_visible()
    expect(page.get_by_text("Draft differs from v3")).to_be_visible()
    expect(page.get_by_text("As v1")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("row", name=re.compile("v4"))).to_be_visible()


@pytest.mark.parametrize(("width", "colours"), tuple(zip(WIDTHS, ("dark", "light", "dark"), strict=True)))
def test_what_differs_in_long_texts_and_hours_is_marked_by_the_word_and_the_rest_is_folded(
    console: Consoles, practice: Practice, make: Make, width: int, colours: str
) -> None:
    rules = [f"Rule {number} stays as it is." for number in range(12)]
    paragraph = f"{'We are a family practice. ' * 6}We open at nine. {'Please call us before you come. ' * 6}".strip()
    week = {"time_zone": "Europe/Berlin", "monday": ["09:00-12:00"], "tuesday": ["09:00-12:00"]}
    agent = make(instructions="\n".join([paragraph, *rules]), business={"name": "Smile", "hours": week})
    practice.owner.ask("POST", f"/api/agents/{agent}/publish")
    text = "\n".join([paragraph.replace("at nine", "at ten"), *rules[:-1]])
    patched(practice, agent, instructions=text, business={"hours": {**week, "tuesday": []}})
    page = console(f"/agents/{agent}?tab=versions", who=practice, width=width, color_scheme=colours)
    behaviour = page.locator("section", has=page.get_by_role("heading", name="Behaviour", exact=True)).last
    expect(behaviour.locator("del")).to_have_text("nine.")
    expect(behaviour.locator("ins")).to_have_text("ten.")
    removed, added = behaviour.locator(".removed"), behaviour.locator(".added")
    # A sign and a word say which side it is, not the colour alone.
    expect(removed.first).to_contain_text("−Before: … ")
    expect(added).to_contain_text(re.compile(r"^\+Now: … \w+ [\w. ]+ at ten\. [\w. ]+ …$"))
    expect(removed.last).to_contain_text("Rule 11 stays")
    expect(behaviour.get_by_text("9 unchanged lines")).to_be_visible()
    expect(behaviour.get_by_text("Rule 5 stays")).to_have_count(0)
    identity = page.locator("section", has=page.get_by_role("heading", name="Identity", exact=True)).last
    expect(identity.locator(".removed")).to_contain_text("Tuesday 09:00-12:00")
    expect(identity.locator(".added")).to_contain_text("Tuesday closed")
    expect(identity).not_to_contain_text("{")
    assert complaints(page) == []
    assert sideways(page) <= 0
    behaviour.get_by_role("button", name="Show the whole text").click()
    expect(behaviour.get_by_text("Rule 5 stays")).to_be_visible()
    expect(added).to_contain_text(text.split("\n", 1)[0])
    assert sideways(page) <= 0


def test_yaml_is_completed_judged_and_saved_and_a_stale_file_shows_both(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent = make(tone="warm")
    page = console(f"/agents/{agent}?tab=yaml", who=practice)
    assert "tone: warm" in editor(page)
    page.locator(".cm-line", has_text="tone: warm").click()
    page.keyboard.press("End")
    for _ in "warm":
        page.keyboard.press("Backspace")
    page.keyboard.press("Control+Space")
    page.locator(".cm-tooltip-autocomplete li", has_text="formal").click()
    expect(page.locator(".cm-line", has_text="tone: formal")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("tune: x")
    fault = page.get_by_role("button", name=re.compile(r"Line \d+, column 1"))
    expect(fault.first).to_be_visible()
    fault.first.click()
    expect(page.locator(".cm-activeLine")).to_have_text("tune: x")
    page.keyboard.press("Control+Shift+k")
    expect(fault).to_have_count(0)
    patched(practice, agent, tone="playful")
    page.get_by_role("button", name="Save draft").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Stored now")).to_contain_text("tone: playful")
    expect(dialog.get_by_label("Yours")).to_contain_text("tone: formal")
    dialog.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_text("The draft is saved")).to_be_visible()
    assert practice.owner.get(f"/api/agents/{agent}")["definition"]["tone"] == "formal"


def test_a_viewer_reads_all_and_changes_nothing(console: Consoles, practice: Practice) -> None:
    page = console("/nowhere", who=practice)

    def as_viewer(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, body=json.dumps({**found.json(), "role": "viewer"}))

    page.route(re.compile("/api/workspace$"), as_viewer)
    page.reload()
    page.evaluate(f"location.hash = '/agents/{practice.agent}?tab=settings'")
    expect(page.get_by_label("Greeting")).to_be_disabled()
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    expect(page.get_by_role("link", name="Playground")).to_have_count(0)
    page.get_by_role("link", name="Prompt").click()
    expect(page.get_by_role("heading", name=re.compile("Prompt of v"))).to_be_visible()


@pytest.mark.parametrize(("width", "colours"), [(360, "dark"), (768, "dark"), (1280, "light")])
def test_every_tab_fits_its_window_and_axe_finds_nothing(
    console: Consoles, practice: Practice, width: int, colours: str
) -> None:
    page = console(f"/agents/{practice.agent}", who=practice, width=width, color_scheme=colours)
    for tab in TABS:
        page.evaluate(f"location.hash = '/agents/{practice.agent}?tab={tab}'")
        expect(page.get_by_role("link", name=re.compile(tab, re.IGNORECASE), exact=False).last).to_be_visible()
        if tab == "yaml":
            editor(page)
        expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        assert (tab, complaints(page)) == (tab, [])
        assert (tab, sideways(page)) == (tab, 0)


@pytest.mark.parametrize(("tab", "button"), [("yaml", "Export YAML"), ("versions", "YAML of v1")])
def test_a_file_that_cannot_be_fetched_says_so_in_place(
    console: Consoles, practice: Practice, tab: str, button: str
) -> None:
    page = console(f"/agents/{practice.agent}?tab={tab}", who=practice)
    file = page.get_by_role("button", name=button)
    if tab == "versions":
        page.get_by_role("button", name="Changes").first.click()
    expect(file).to_be_visible()
    page.route(re.compile(r"/config$|/versions/\w+$"), lambda route: route.abort())
    file.click()
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    page.unroute_all()
    with page.expect_download():
        page.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_what_somebody_changed_since_it_was_seen_is_not_deleted_unseen(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent, owner = make(), practice.owner
    made = owner.ask(
        "POST", f"/api/agents/{agent}/knowledge", {"kind": "text", "title": "Parking", "text": "Behind the house."}
    ).json()
    path = f"/api/agents/{agent}/knowledge/{made['id']}"
    page = console(f"/agents/{agent}?tab=knowledge", who=practice)
    page.get_by_role("button", name="Delete Parking").click()
    body = {"kind": "text", "title": "Parking and trams", "text": "Behind the house. Tram 12."}
    owner.ask("PUT", path, body, If_Match=owner.etag(path))
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete item").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Somebody else changed this")
    expect(dialog).to_contain_text("Parking and trams")
    assert owner.get(path)["title"] == "Parking and trams"
    dialog.get_by_role("button", name="Delete item").click()
    expect(dialog).to_have_count(0)
    owner.ask("GET", path, status=404)

    page.get_by_role("button", name="More", exact=True).first.click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(dialog).to_contain_text("this month it had")
    fleet = f"/api/my-agents/{agent}"
    owner.ask("PATCH", fleet, {"note": "Keep this one"}, If_Match=owner.etag(fleet))
    dialog.get_by_role("button", name=re.compile("^Delete")).click()
    expect(dialog.get_by_role("alert")).to_contain_text("changed")
    owner.ask("GET", fleet)
    dialog.get_by_role("button", name=re.compile("^Delete")).click()
    expect(page).to_have_url(re.compile("#/agents$"))
