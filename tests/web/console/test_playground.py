"""An agent is tried in the console: what an answer took, and what becomes of one that is slow, broken or cut off."""

import re

from playwright.sync_api import Route, expect

from tests.e2e.practice import HOURS, QUESTION, Practice
from tests.web.console.conftest import Consoles, Make, complaints


def test_the_playground_streams_and_tells_what_it_took(console: Consoles, practice: Practice) -> None:
    page = console(f"/agents/{practice.agent}?tab=playground", who=practice)
    field = page.get_by_label("Message", exact=True)
    field.fill(QUESTION)
    page.keyboard.press("Enter")
    log = page.get_by_role("log")
    expect(log).to_contain_text("Monday to Friday")
    expect(log.locator(".taken")).to_contain_text(re.compile(r"tokens, USD [\d.<]+, .*s, 1 source"))
    expect(field).to_be_focused()
    beside = page.get_by_role("complementary", name="What the answer took")
    expect(beside).to_contain_text("Input")
    expect(beside).to_contain_text(re.compile(r"Charge\s*USD"))
    expect(beside).to_contain_text("First word")
    expect(beside).to_contain_text(HOURS[:30])
    page.get_by_role("link", name="Settings").last.click()
    page.get_by_role("link", name="Playground").click()
    expect(log).to_contain_text("Monday to Friday")
    assert complaints(page) == []


def test_a_new_conversation_takes_nothing_of_the_one_before(console: Consoles, practice: Practice) -> None:
    page = console(f"/agents/{practice.agent}?tab=playground", who=practice)
    transcript = re.compile(r"/api/conversations/cnv_\w+$")
    held: list[Route] = []
    page.route(transcript, lambda route: held.append(route))
    field = page.get_by_label("Message", exact=True)
    with page.expect_request(transcript):
        field.fill(QUESTION)
        page.keyboard.press("Enter")
    page.get_by_role("button", name="New conversation").click()
    with page.expect_response(transcript):
        held[0].continue_()
    with page.expect_request("**/chat") as asked:
        field.fill(QUESTION)
        page.keyboard.press("Enter")
    assert asked.value.post_data_json["conversation_id"] is None


def test_a_slow_answer_can_be_stopped_and_a_broken_one_tried_again(console: Consoles, practice: Practice) -> None:
    page = console(f"/agents/{practice.agent}?tab=playground", who=practice)
    field = page.get_by_label("Message", exact=True)
    field.fill("!fault:before " + QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    page.get_by_role("button", name="Stop").wait_for(state="hidden")
    field.fill("!fault:slow " + QUESTION)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("log")).to_contain_text("Stopped")
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()


def test_a_lost_connection_keeps_the_question_and_pays_once(console: Consoles, practice: Practice, make: Make) -> None:
    agent = make()
    page = console(f"/agents/{agent}?tab=playground", who=practice)
    keys: list[str] = []

    def lost(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.abort()
        else:
            route.fallback()

    page.route("**/chat", lost)
    page.get_by_label("Message", exact=True).fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".taken")).to_contain_text("tokens")
    assert keys[0] == keys[1]
