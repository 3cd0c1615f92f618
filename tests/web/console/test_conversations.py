"""The room of conversations: found, read down to the invoice, handed off, exported, erased."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Page, Route, expect

from tests.e2e.practice import HOURS, Practice
from tests.web.console.conftest import Consoles, complaints, sideways
from tests.web.console.people import colleague
from tests.web.console.talks import CONSENT, Talk, talk


@pytest.fixture(scope="module")
def told(practice: Practice) -> Talk:
    """The conversation that most tests read."""
    return talk(practice, "My wisdom tooth aches.")


def test_a_conversation_is_found_by_its_words_and_read_down_to_its_bill(
    console: Consoles, practice: Practice, told: Talk
) -> None:
    page = console("/conversations", who=practice)
    page.get_by_role("searchbox", name="Search what was said").fill("wisdom")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=wisdom"))
    found = page.get_by_role("link", name=re.compile("My wisdom tooth aches"))
    expect(found).to_have_count(1)
    found.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/conversations/{told.id}\?q=wisdom"))
    transcript = page.get_by_role("article")
    expect(transcript.locator(".turn")).to_have_count(2)
    took = transcript.get_by_role("button", name=re.compile("tokens.*USD.*source.*thumb down"))
    took.focus()
    page.keyboard.press("Enter")
    expect(took).to_have_attribute("aria-expanded", "true")
    more = transcript.locator(".turn-more").nth(1)
    expect(more).to_contain_text("Written")
    expect(more).to_contain_text("v1")
    expect(more).to_contain_text("Not booked yet")
    more.locator("summary").first.click()
    expect(more.locator(".sources")).to_contain_text(HOURS)
    expect(transcript).to_contain_text("Too short")
    expect(transcript).to_contain_text("I still have no time")
    expect(transcript).to_contain_text(CONSENT)


def test_a_link_that_could_not_be_copied_says_so(console: Consoles, practice: Practice, told: Talk) -> None:
    page = console(f"/conversations/{told.id}", who=practice)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')) }")
    page.get_by_role("button", name="More about this conversation").click()
    page.get_by_role("menuitem", name="Copy link").click()
    expect(page.get_by_text("Not copied: select it in the address bar")).to_be_visible()


def test_a_link_to_a_turn_opens_it_and_a_filter_that_finds_nothing_can_be_cleared(
    console: Consoles, practice: Practice, told: Talk
) -> None:
    page = console(f"/conversations/{told.id}?turn=2&rating=4-5", who=practice)
    expect(page.locator("#turn-2")).to_have_attribute("aria-current", "true")
    expect(page.locator("#turn-2 .took")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#turn-2")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="No conversation fits")).to_be_visible()
    page.get_by_role("button", name="Clear filters").first.click()
    expect(page).not_to_have_url(re.compile("rating="))
    expect(page.locator(".talk[aria-current]")).to_contain_text("wisdom")


def test_earlier_turns_come_before_those_that_are_shown(console: Consoles, practice: Practice, told: Talk) -> None:
    def as_if_long(route: Route) -> None:
        answer = route.fetch()
        whole: dict[str, Any] = answer.json()
        if "before=" not in route.request.url:
            whole |= {"transcript": [{**whole["transcript"][-1], "history_cut": 1}], "earlier": 2}
        route.fulfill(response=answer, json=whole)

    page = console("/nowhere", who=practice)
    page.route(re.compile(rf"/api/conversations/{told.id}"), as_if_long)
    page.evaluate(f"location.hash = '/conversations/{told.id}'")
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator(".cut")).to_contain_text("no longer saw the first 1 turn")
    page.get_by_role("button", name="Load earlier turns").click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").first).to_contain_text("wisdom")
    expect(page.get_by_role("button", name="Load earlier turns")).to_have_count(0)


def test_what_is_pending_or_estimated_does_not_look_like_a_figure(
    console: Consoles, practice: Practice, told: Talk
) -> None:
    buckets = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")

    def uncertain(route: Route) -> None:
        answer = route.fetch()
        whole: dict[str, Any] = answer.json()
        nothing = {**whole["charge"], "amount": "0"}
        lost = dict.fromkeys(buckets) | {"outcome": "abandoned", "charge": nothing, "cost": nothing}
        first, second = whole["transcript"][:2]
        whole["transcript"] = [{**first, **lost}, {**second, "estimated": True}]
        route.fulfill(response=answer, json=whole)

    def abandoned(route: Route) -> None:
        answer = route.fetch()
        items = [
            {**one, "outcome": "abandoned", "charge": {**one["charge"], "amount": "0"}}
            for one in answer.json()["items"]
        ]
        route.fulfill(response=answer, json={**answer.json(), "items": items})

    page = console("/nowhere", who=practice)
    page.route(re.compile(rf"/api/conversations/{told.id}"), uncertain)
    page.route(re.compile(r"/api/conversations\?"), abandoned)
    page.evaluate(f"location.hash = '/conversations/{told.id}'")
    lost, estimated = page.locator(".turn").nth(0), page.locator(".turn").nth(1)
    expect(lost.locator(".took")).to_contain_text("tokens pending")
    expect(lost.locator(".took")).to_contain_text("charge pending")
    expect(estimated.locator(".took")).to_contain_text(re.compile("~USD 0\\.0"))
    for turn, charge in ((lost, "pending"), (estimated, re.compile("^~USD 0"))):
        turn.locator(".took").click()
        for name in ("Charge", "Cost of the provider"):
            expect(turn.locator("dt", has_text=name).locator("+ dd")).to_have_text(charge)
    expect(page.locator(".talk").first).to_contain_text("charge pending")
    expect(page.locator(".talk-facts")).to_contain_text("~USD")
    expect(page.locator("main")).not_to_contain_text(re.compile(r"USD 0\.00(?!\d)"))


def test_a_question_that_was_answered_badly_becomes_knowledge_or_a_test_case(
    console: Consoles, practice: Practice
) -> None:
    question = "Do you whiten teeth on Sundays?"
    asked = talk(practice, question)
    page = console(f"/conversations/{asked.id}", who=practice)
    page.locator(".took").first.click()
    page.get_by_role("button", name="Add to knowledge").click()
    dialog = page.get_by_role("dialog", name="Add questions and answers")
    expect(dialog.get_by_label("Question", exact=True)).to_have_value(question)
    assert "Sundays" not in page.url
    expect(dialog.get_by_label("Answer", exact=True)).to_be_focused()
    page.keyboard.type("On Sundays we are closed.")
    page.reload()
    # What a reload takes is the answer only; the question is still there.
    expect(dialog.get_by_label("Question", exact=True)).to_have_value(question)
    dialog.get_by_label("Answer", exact=True).fill("On Sundays we are closed.")
    dialog.get_by_role("button", name="Add item").click()
    expect(dialog).to_have_count(0)
    path = f"/api/agents/{practice.agent}/knowledge"
    (item,) = [one for one in practice.owner.get(path)["items"] if one["title"] == question]
    stored = practice.owner.ask("GET", f"{path}/{item['id']}")
    assert stored.json()["pairs"] == [{"question": question, "answer": "On Sundays we are closed."}]
    practice.owner.ask("DELETE", f"{path}/{item['id']}", status=204, If_Match=stored.headers["ETag"])
    page.get_by_role("button", name="Add Q&A").click()
    expect(dialog.get_by_label("Question", exact=True)).to_have_value("")
    page.keyboard.press("Escape")

    page.goto(re.sub("#.*", f"#/conversations/{asked.id}", page.url))
    page.locator(".took").first.click()
    page.get_by_role("button", name="Make test case").click()
    case = page.get_by_role("dialog", name="New test case")
    expect(case.get_by_label("Question")).to_have_value(question)
    case.get_by_role("button", name="Cancel").click()
    expect(case).to_have_count(0)
    assert practice.owner.get(f"/api/agents/{practice.agent}/checks")["cases"] == []


def read(download: Download) -> Any:
    return json.loads(Path(str(download.path())).read_text(encoding="utf-8"))


def more(page: Page, menu: str, item: str) -> None:
    page.get_by_role("button", name=menu).click()
    page.get_by_role("menuitem", name=item).click()


def test_a_conversation_and_a_visitor_are_exported_and_erased_for_good(console: Consoles, practice: Practice) -> None:
    lost = talk(practice, "Please forget the number 12345678.")
    other = talk(practice, "Another matter, 87654321.")
    page = console(f"/conversations/{lost.id}", who=practice)
    expect(page.locator(".turn")).to_have_count(2)
    with page.expect_download() as exported:
        more(page, "More about this conversation", "Export as JSON")
    whole = read(exported.value)
    assert [turn["seq"] for turn in whole["transcript"]] == [1, 2]
    assert whole["lead"]["consent"] == CONSENT
    more(page, "More about this conversation", "Erase conversation")
    dialog = page.get_by_role("dialog", name="Erase this conversation?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    expect(dialog.get_by_role("button", name="Erase conversation")).to_be_disabled()
    dialog.get_by_role("textbox").fill("erase")
    dialog.get_by_role("button", name="Erase conversation").click()
    expect(page).to_have_url(re.compile("/conversations$"))
    expect(page.locator(".talk", has_text="12345678")).to_have_count(0)
    assert practice.transcript(lost.id) == []

    page.locator(".talk", has_text="87654321").click()
    with page.expect_download() as everything:
        more(page, "About this visitor", "Export all they said")
    saved = read(everything.value)
    assert ([one["id"] for one in saved["conversations"]], saved["visit"]["identified"]) == ([other.id], False)
    more(page, "About this visitor", "Erase all they said")
    page.get_by_role("dialog").get_by_role("textbox").fill("erase")
    page.get_by_role("dialog").get_by_role("button", name="Erase visitor").click()
    expect(page.locator(".talk", has_text="87654321")).to_have_count(0)
    assert practice.transcript(other.id) == []


def test_a_viewer_reads_but_neither_takes_nor_erases_nor_sees_leads(
    console: Consoles, practice: Practice, told: Talk
) -> None:
    page = console(f"/conversations/{told.id}", who=colleague(practice, "viewer"))
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.get_by_role("link", name="Leads")).to_have_count(0)
    page.get_by_role("button", name="More about this conversation").click()
    expect(page.get_by_role("menuitem", name="Export as JSON")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Erase conversation")).to_have_count(0)
    for name in ("Take", "Done", "Put back"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)


def test_a_transcript_that_cannot_be_read_says_so_beside_the_list(
    console: Consoles, practice: Practice, told: Talk
) -> None:
    page = console("/conversations", who=practice)
    body = json.dumps(
        {"title": "Not available just now", "status": 503, "code": "unavailable", "request_id": "req_abcd1"}
    )
    page.route(
        re.compile(f"/api/conversations/{told.id}$"),
        lambda route: route.fulfill(status=503, content_type="application/problem+json", body=body),
    )
    page.locator(".talk", has_text="wisdom").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("req_abcd")
    page.unroute_all()
    alert.get_by_role("button", name="Try again").click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(("width", "colours"), [(360, "dark"), (768, "light"), (1280, "dark")])
def test_the_room_has_no_complaint_from_axe_and_fits_its_window(
    console: Consoles, practice: Practice, told: Talk, width: int, colours: str
) -> None:
    page = console(f"/conversations/{told.id}?turn=2", who=practice, width=width, color_scheme=colours)
    expect(page.locator("#turn-2 .sources")).to_be_visible()
    paths = ("", "/conversations", "/conversations?tab=hand-offs", "/conversations?tab=leads")
    for path in paths:
        if path:
            page.evaluate(f"location.hash = '{path}'")
            expect(page.get_by_text("wisdom" if "leads" not in path else "Eva Brandt").first).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert complaints(page) == []
        assert sideways(page) <= 0
