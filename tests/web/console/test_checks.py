"""The checks of an agent: cases kept, run with progress, draft and published version side by side."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.practice import QUESTION, Practice
from tests.web.console.conftest import WIDTHS, Consoles, complaints, sideways


def case(page: Page, question: str, must: str = "", must_not: str = "") -> None:
    """Add a test case by hand."""
    page.get_by_role("button", name="Add case").first.click()
    dialog = page.get_by_role("dialog", name="New test case")
    expect(dialog.get_by_label("Question")).to_be_focused()
    page.keyboard.type(question)
    dialog.get_by_label("Must say").fill(must)
    dialog.get_by_label("Must not say").fill(must_not)
    dialog.get_by_role("button", name="Add case").click()
    expect(dialog).not_to_be_visible()


@pytest.fixture
def agent(practice: Practice) -> str:
    """A published agent that knows its hours, without test cases."""
    made: str = practice.owner.ask("POST", f"/api/agents/{practice.agent}/copy", {"name": "Copy"}).json()["id"]
    practice.owner.ask("POST", f"/api/agents/{made}/publish")
    return made


def test_cases_are_run_and_both_versions_stand_side_by_side(console: Consoles, practice: Practice, agent: str) -> None:
    page = console(f"/agents/{agent}?tab=checks", who=practice)
    expect(page.get_by_text("No test cases yet")).to_be_visible()
    case(page, QUESTION, must="6 pm")
    case(page, "Do you pull teeth on the moon?", must="certainly")
    highest = practice.owner.get(f"/api/agents/{agent}/checks")["highest"]["amount"]
    said = page.get_by_text(re.compile(r"4 turns, charged like any other, at most USD [\d.]+ in all"))
    expect(said).to_contain_text(f"at most USD {highest[:5]}")
    page.get_by_role("button", name="Run 2 cases").click()
    results = page.get_by_role("region", name="Results")
    expect(results.get_by_text("1 failed")).to_have_count(2)
    expect(results.get_by_text("Does not say “certainly”.")).to_have_count(2)
    expect(results.locator(".answer").first).to_contain_text("6 pm")
    expect(page.get_by_text("1 failing on this draft")).to_be_visible()
    expect(page).to_have_url(re.compile("run="))
    runs = practice.owner.get(f"/api/agents/{agent}/checks/runs")["items"]
    assert len(runs) == 1
    page.reload()
    expect(results.get_by_text("Passed", exact=True).first).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"\d:\d\d"))).to_have_count(1)


def test_a_deleted_case_comes_back_by_undo(console: Consoles, practice: Practice, agent: str) -> None:
    page = console(f"/agents/{agent}?tab=checks", who=practice)
    case(page, "Is there parking?")
    page.get_by_role("button", name="Delete Is there parking?").click()
    expect(page.get_by_text("No test cases yet")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Delete Is there parking?")).to_be_visible()
    assert len(practice.owner.get(f"/api/agents/{agent}/checks")["cases"]) == 1


def test_a_case_that_two_people_change_shows_both_values(console: Consoles, practice: Practice, agent: str) -> None:
    path = f"/api/agents/{agent}/checks"
    practice.owner.ask("PUT", path, {"cases": [{"id": "a", "question": "First?"}]}, If_Match=practice.owner.etag(path))
    page = console(f"/agents/{agent}?tab=checks", who=practice)
    page.get_by_role("button", name="Change First?").click()
    page.get_by_role("dialog").get_by_label("Question").fill("Mine?")
    theirs = [{"id": "a", "question": "Theirs?"}, {"id": "b", "question": "Another?"}]
    practice.owner.ask("PUT", path, {"cases": theirs}, If_Match=practice.owner.etag(path))
    page.get_by_role("button", name="Save case").click()
    dialog = page.get_by_role("dialog", name="Somebody else changed this")
    expect(dialog).to_contain_text("Theirs?")
    expect(dialog).to_contain_text("Mine?")
    dialog.get_by_role("button", name="Save what is chosen").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    questions = [one["question"] for one in practice.owner.get(path)["cases"]]
    assert questions == ["Mine?", "Another?"]


def test_a_cancelled_case_is_forgotten_and_a_reload_keeps_it(console: Consoles, practice: Practice, agent: str) -> None:
    path = f"/api/agents/{agent}/checks"
    practice.owner.ask("PUT", path, {"cases": [{"id": "a", "question": "First?"}]}, If_Match=practice.owner.etag(path))
    page = console(f"/agents/{agent}?tab=checks", who=practice)
    question = page.get_by_role("dialog").get_by_label("Question")
    for opener, before in (("Change First?", "First?"), ("Add case", "")):
        page.get_by_role("button", name=opener).click()
        question.fill("Half a thought")
        # Who does not mean it stays.
        page.once("dialog", lambda asked: asked.dismiss())
        page.keyboard.press("Escape")
        expect(question).to_have_value("Half a thought")
        page.reload()
        page.get_by_role("button", name=opener).click()
        expect(question).to_have_value("Half a thought")
        page.once("dialog", lambda asked: asked.accept())
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(question).to_have_count(0)
        page.get_by_role("button", name=opener).click()
        expect(question).to_have_value(before)
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(question).to_have_count(0)


def test_a_case_that_somebody_else_deleted_comes_back_whole_when_it_is_saved(
    console: Consoles, practice: Practice, agent: str
) -> None:
    path = f"/api/agents/{agent}/checks"
    one = {"id": "a", "question": "First?", "must": ["yes"]}
    practice.owner.ask("PUT", path, {"cases": [one]}, If_Match=practice.owner.etag(path))
    page = console(f"/agents/{agent}?tab=checks", who=practice)
    page.get_by_role("button", name="Change First?").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Must not say").fill("no")
    practice.owner.ask("PUT", path, {"cases": []}, If_Match=practice.owner.etag(path))
    dialog.get_by_role("button", name="Save case").click()
    expect(dialog).to_have_count(0)
    (kept,) = practice.owner.get(path)["cases"]
    assert (kept["question"], kept["must"], kept["must_not"]) == ("First?", ["yes"], ["no"])


def test_a_lost_connection_keeps_the_case_and_runs_nothing_twice(
    console: Consoles, practice: Practice, agent: str
) -> None:
    page = console(f"/agents/{agent}?tab=checks", who=practice)
    expect(page.get_by_text("No test cases yet")).to_be_visible()
    page.route("**/checks", lambda route: route.abort())
    page.get_by_role("button", name="Add case").click()
    page.keyboard.type("Typed offline?")
    page.get_by_role("dialog").get_by_role("button", name="Add case").click()
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    page.unroute_all()
    page.get_by_role("dialog").get_by_role("button", name="Add case").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    # The run happens, and its answer is lost on the way.
    def lost(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/checks/run", lost, times=1)
    page.get_by_role("button", name="Run 1 case").click()
    expect(page.get_by_role("alert")).to_contain_text("charges nothing twice")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("region", name="Results").get_by_text("All passed").first).to_be_visible()
    assert len(practice.owner.get(f"/api/agents/{agent}/checks/runs")["items"]) == 1


def test_who_leaves_while_cases_run_is_not_led_back_and_finds_the_run_again(
    console: Consoles, practice: Practice, agent: str
) -> None:
    path = f"/api/agents/{agent}/checks"
    practice.owner.ask("PUT", path, {"cases": [{"id": "a", "question": QUESTION}]}, If_Match=practice.owner.etag(path))
    page = console(f"/agents/{agent}?tab=checks", who=practice)
    held: list[Route] = []
    page.route("**/checks/run", lambda route: held.append(route))
    with page.expect_request("**/checks/run"):
        page.get_by_role("button", name="Run 1 case").click()
    page.locator(".above a").click()
    expect(page.get_by_role("heading", name="Agents", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Stop the run")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Agents", exact=True)).to_be_visible()
    held[0].continue_()
    expect(page.get_by_text("The test cases have run")).to_be_visible()
    expect(page).to_have_url(re.compile("#/agents$"))
    page.go_back()
    expect(page.get_by_role("region", name="Results").locator(".answer").first).to_contain_text("6 pm")
    assert len(practice.owner.get(f"{path}/runs")["items"]) == 1


@pytest.mark.parametrize(("width", "colours"), tuple(zip(WIDTHS, ("dark", "light", "dark"), strict=True)))
def test_results_have_no_complaint_and_fit(
    console: Consoles, practice: Practice, agent: str, width: int, colours: str
) -> None:
    path = f"/api/agents/{agent}/checks"
    long = {"id": "a", "question": "Straßenbahnhaltestellenverwaltung" * 4, "must": ["قهوة"]}
    practice.owner.ask("PUT", path, {"cases": [long]}, If_Match=practice.owner.etag(path))
    practice.owner.ask("POST", f"{path}/run")
    page = console(f"/agents/{agent}?tab=checks", who=practice, width=width, color_scheme=colours)
    expect(page.get_by_role("region", name="Results").get_by_text("1 failed").first).to_be_visible()
    assert complaints(page) == []
    assert sideways(page) <= 0
