"""Hand-offs and leads: taken, noted and done, in the lists and beside the transcript, without undoing what colleagues did."""

import re
from typing import Any

from playwright.sync_api import Route, expect

from tests.e2e.client import until
from tests.e2e.practice import Practice
from tests.web.console.conftest import Consoles, complaints
from tests.web.console.people import colleague
from tests.web.console.talks import CONSENT, WISH, talk


def state(practice: Practice, conversation: str) -> Any:
    return practice.owner.get(f"/api/conversations/{conversation}")["hand_off"]


def test_a_hand_off_is_taken_noted_and_done_and_done_can_be_undone(console: Consoles, practice: Practice) -> None:
    told = talk(practice, "My wisdom tooth aches.")
    page = console("/conversations?tab=hand-offs", who=practice)
    waiting = page.get_by_role("region", name="Waiting").locator("li", has_text="wisdom")
    expect(waiting).to_contain_text(WISH)
    waiting.get_by_role("button", name="Take").focus()
    page.keyboard.press("Enter")
    item = page.locator("li.hand-off", has_text="wisdom").first
    expect(item).to_contain_text("by you")
    item.get_by_role("button", name="Add note").click()
    page.keyboard.type("Called at ten.")
    item.get_by_role("button", name="Save note").click()
    expect(item).to_contain_text("Called at ten.")
    item.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Undo").click()
    until(20, lambda: state(practice, told.id)["state"] == "taken")
    log = practice.owner.get(f"/api/audit-log?subject={told.id}")["items"]
    assert "hand_off.done" in [entry["action"] for entry in log]
    assert state(practice, told.id)["staff_note"] == "Called at ten."


def test_a_lead_is_taken_noted_and_done_in_the_list_and_beside_the_transcript(
    console: Consoles, practice: Practice
) -> None:
    asked = talk(practice, "Could somebody tell me about braces?")
    details = {"name": "Braces Please", "email": "braces@example.com", "message": "Mornings only", "consent": CONSENT}
    asked.client.ask("POST", "/api/chat/lead", details)
    page = console("/conversations?tab=leads", who=practice)
    waiting = page.get_by_role("region", name="Waiting").locator("li", has_text="Braces Please")
    expect(waiting).to_contain_text(CONSENT)
    waiting.get_by_role("button", name="Take").focus()
    page.keyboard.press("Enter")
    item = page.locator("li.lead", has_text="Braces Please")
    expect(item).to_contain_text("by you")
    item.get_by_role("button", name="Add note").click()
    page.keyboard.type("Called at ten.")
    item.get_by_role("button", name="Save note").click()
    expect(item).to_contain_text("Called at ten.")
    item.get_by_role("link", name="Braces Please").click()
    card = page.locator(".transcript .card", has_text="Contact details").first
    expect(card).to_contain_text("Called at ten.")
    card.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Undo").click()
    path = f"/api/conversations/{asked.id}"
    until(20, lambda: practice.owner.get(path)["lead"]["state"] == "taken")
    expect(card).to_contain_text("Taken")
    card.get_by_role("button", name="Done").click()
    expect(card.get_by_role("button", name="Done")).to_have_count(0)
    page.goto(re.sub("#.*", "#/conversations?tab=leads&state=done", page.url))
    expect(page.get_by_role("region", name="Done").locator("li", has_text="Braces Please")).to_be_visible()
    log = practice.owner.get(f"/api/audit-log?subject={asked.id}")["items"]
    assert [entry["action"] for entry in log] == ["lead.done", "lead.taken", "lead.done", "lead.taken", "lead.taken"]
    # The hand-off of the same conversation has a state of its own.
    assert state(practice, asked.id)["state"] == "waiting"


def test_what_a_colleague_took_in_between_stays_with_the_colleague(console: Consoles, practice: Practice) -> None:
    other = talk(practice, "Do you treat children who are afraid?")
    member = colleague(practice, "member")
    page = console("/conversations?tab=hand-offs", who=practice)
    item = page.locator("li.hand-off", has_text="afraid").first
    expect(item).to_contain_text("Waiting")
    member.owner.ask("PATCH", f"/api/conversations/{other.id}/hand-off", {"state": "taken"})
    item.get_by_role("button", name="Take").press("Enter")
    # The row has left the list; above the list it is told which one, until the person closes that.
    expect(page.get_by_role("region", name="Waiting").locator("li", has_text="afraid")).to_have_count(0)
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Do you treat children who are afraid?")
    expect(told).to_contain_text("A colleague has taken it")
    expect(page.locator(".overtaken")).to_be_focused()
    expect(page.locator(".toast")).to_have_count(0)
    assert complaints(page) == []
    told.get_by_role("button", name="Close").click()
    expect(told).to_have_count(0)
    page.reload()
    taken = page.get_by_role("region", name="Taken").locator("li", has_text="afraid")
    expect(taken.get_by_role("button", name="Put back")).to_be_visible()
    expect(taken.get_by_role("button", name="Done")).to_have_count(0)


def test_a_note_that_is_being_written_goes_along_with_its_row_and_outlives_a_reload(
    console: Consoles, practice: Practice
) -> None:
    moved = talk(practice, "Where is my note going?")
    page = console("/conversations?tab=hand-offs", who=practice)
    waiting, taken = (
        page.get_by_role("region", name=name).locator("li", has_text="going") for name in ("Waiting", "Taken")
    )
    waiting.get_by_role("button", name="Take").click()
    expect(waiting).to_contain_text("by you")
    waiting.get_by_role("button", name="Add note").click()
    page.keyboard.type("Called at noon.")
    page.keyboard.press("Home")
    # Shown again, the page reads both lists as it does every half minute.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(waiting).to_have_count(0)
    field = taken.get_by_label("Note for colleagues")
    expect(field).to_be_focused()
    page.keyboard.type("Eva: ")
    expect(field).to_have_value("Eva: Called at noon.")
    page.reload()
    expect(field).to_have_value("Eva: Called at noon.")
    expect(field).not_to_be_focused()
    assert complaints(page) == []
    taken.get_by_role("button", name="Save note").click()
    expect(field).to_have_count(0)
    assert state(practice, moved.id)["staff_note"] == "Eva: Called at noon."
    page.reload()
    expect(taken).to_contain_text("Eva: Called at noon.")
    expect(field).to_have_count(0)


def test_a_note_on_a_row_that_a_colleague_takes_stays_in_its_field(console: Consoles, practice: Practice) -> None:
    other = talk(practice, "Who else is writing here?")
    member = colleague(practice, "member")
    page = console("/conversations?tab=hand-offs", who=practice)
    waiting, taken = (
        page.get_by_role("region", name=name).locator("li", has_text="writing") for name in ("Waiting", "Taken")
    )
    waiting.get_by_role("button", name="Add note").click()
    page.keyboard.type("I know the answer.")
    member.owner.ask("PATCH", f"/api/conversations/{other.id}/hand-off", {"state": "taken"})
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    field = taken.get_by_label("Note for colleagues")
    expect(field).to_be_focused()
    expect(field).to_have_value("I know the answer.")
    taken.get_by_role("button", name="Save note").click()
    expect(page.get_by_role("alert")).to_contain_text("A colleague has taken it")
    # It cannot be kept on what is a colleague's, and goes only when the person says so.
    expect(field).to_have_value("I know the answer.")
    taken.get_by_role("button", name="Cancel").click()
    expect(field).to_have_count(0)
    assert state(practice, other.id)["staff_note"] is None


def test_what_is_read_late_neither_undoes_a_change_nor_takes_what_is_typed(
    console: Consoles, practice: Practice
) -> None:
    late = talk(practice, "Is this answer late?")
    path = f"/api/conversations/{late.id}"
    page = console(f"/conversations/{late.id}", who=practice)
    card = page.locator(".transcript .card", has_text="Hand-off").first
    expect(card).to_contain_text("Waiting")
    before = practice.owner.get(path)
    held: list[Route] = []
    page.route(re.compile(rf"{path}$"), lambda route: held.append(route))
    again = page.get_by_role("button", name="Read it again")
    with page.expect_request(re.compile(rf"{path}$")):
        again.click()
    card.get_by_role("button", name="Take").click()
    expect(card).to_contain_text("by you")
    held[0].fulfill(json=before)
    page.unroute_all()
    expect(again).not_to_have_attribute("aria-busy", "true")
    expect(card).to_contain_text("by you")
    card.get_by_role("button", name="Add note").click()
    page.keyboard.type("My own words.")
    practice.owner.ask("PATCH", f"{path}/hand-off", {"state": "taken", "note": "Of a colleague."})
    with page.expect_response(re.compile(rf"{path}$")):
        again.click()
    expect(again).not_to_have_attribute("aria-busy", "true")
    expect(card.get_by_label("Note for colleagues")).to_have_value("My own words.")
    expect(card).to_contain_text("Of a colleague.")
    save = card.get_by_role("button", name="Save note")
    save.click()
    expect(card.get_by_role("alert")).to_contain_text("A colleague has changed")
    assert state(practice, late.id)["staff_note"] == "Of a colleague."
    save.click()
    expect(card.get_by_label("Note for colleagues")).to_have_count(0)
    assert state(practice, late.id)["staff_note"] == "My own words."
