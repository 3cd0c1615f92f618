"""The fleet's list: filters in the address, many changed at once with their outcomes, YAML taken in, deleted ones back."""

import json
import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.practice import Practice
from tests.web.console.conftest import WIDTHS, Consoles, Make, complaints, declined, sideways

LONG = "Straßenbahnhaltestellenverwaltungsangestellte قهوة " + "x" * 28
FILE = "name: {name}\nindustry: dental\nmodel:\n  provider: {provider}\n  id: {id}\n"


@pytest.fixture(scope="module")
def fleet(practice: Practice) -> Practice:
    """The practice with three more agents: two tagged drafts and one with a long name."""
    for name, tags in (("Nora", ["night"]), ("Otto", ["night"]), (LONG[:80], [])):
        body = {"definition": {"name": name, "industry": "dental"}, "tags": tags}
        practice.owner.ask("POST", "/api/my-agents", body)
    return practice


def names(page: Page) -> list[str]:
    """The agents that the list shows."""
    expect(page.locator(".skeleton")).to_have_count(0)
    return [name.strip() for name in page.locator("tbody .title a").all_inner_texts()]


@pytest.fixture
def own(practice: Practice) -> str:
    """An agent for one test."""
    body = {"name": f"Own {uuid.uuid4().hex[:6]}", "industry": "dental"}
    return str(practice.owner.ask("POST", "/api/agents", body).json()["id"])


def test_filters_live_in_the_address_and_can_be_cleared(console: Consoles, fleet: Practice) -> None:
    page = console("/agents?tag=night", who=fleet)
    expect(page.get_by_role("link", name="Nora")).to_be_visible()
    assert names(page) == ["Nora", "Otto"]
    page.get_by_label("Name, tag or note").fill("ott")
    expect(page.get_by_role("link", name="Nora")).to_have_count(0)
    expect(page).to_have_url(re.compile("text=ott"))
    page.get_by_role("button", name="Name", exact=True).click()
    expect(page).to_have_url(re.compile("sort=-name"))
    page.get_by_label("Name, tag or note").fill("nobody has this")
    expect(page.get_by_role("heading", name="No agent fits")).to_be_visible()
    page.get_by_role("button", name="Clear filters").last.click()
    expect(page.get_by_role("link", name="Mia", exact=True)).to_be_visible()


def test_on_a_phone_the_cards_are_put_into_another_order(console: Consoles, fleet: Practice) -> None:
    page = console("/agents?tag=night", who=fleet, width=360)
    cards = page.get_by_role("list", name="Agents").get_by_role("link")
    expect(cards).to_have_text(["Nora", "Otto"])
    page.get_by_label("Order").select_option("Name, Z to A")
    expect(page).to_have_url(re.compile("sort=-name"))
    expect(cards).to_have_text(["Otto", "Nora"])
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.get_by_label("Order")).to_have_count(0)


def test_many_are_counted_before_they_are_changed_and_what_was_refused_is_told(
    console: Consoles, fleet: Practice
) -> None:
    page = console("/agents", who=fleet)
    for name in ("Mia", "Nora"):
        page.get_by_label(f"Select {name}").check()
    bar = page.get_by_role("region", name="Selected agents")
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 agent will be paused")
    expect(dialog).to_contain_text("1 agent cannot be paused")
    dialog.get_by_role("button", name="Pause 1 agent").click()
    expect(dialog).to_contain_text("1 agent was paused")
    expect(dialog.get_by_role("list", name="Not changed")).to_contain_text("Nora")
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(page.get_by_role("row", name=re.compile("Mia")).get_by_text("Paused")).to_be_visible()
    fleet.set_status("active")


@pytest.mark.parametrize("action", ["Activate", "Archive"])
def test_what_many_were_before_comes_back_by_undo(
    console: Consoles, practice: Practice, make: Make, action: str
) -> None:
    word = f"before-{action.lower()}"
    silent = make(name=f"Silent {word}")
    practice.owner.ask("POST", f"/api/agents/{silent}/publish")
    path = f"/api/my-agents/{silent}/status"
    for status in ("active", "paused"):
        practice.owner.ask("PUT", path, {"status": status}, If_Match=practice.owner.etag(path))
    agents = [silent]
    if action == "Archive":
        agents.append(make(name=f"Loud {word}"))
        practice.owner.ask("POST", f"/api/agents/{agents[1]}/publish")
        other = f"/api/my-agents/{agents[1]}/status"
        practice.owner.ask("PUT", other, {"status": "active"}, If_Match=practice.owner.etag(other))

    def standing() -> list[str]:
        return [practice.owner.get(f"/api/my-agents/{agent}/status")["status"] for agent in agents]

    before = standing()
    page = console(f"/agents?text={word}", who=practice)
    page.get_by_label("Select all that are shown").check()
    if action == "Archive":
        page.get_by_role("button", name="More for the selected").click()
        page.get_by_role("menuitem", name="Archive").click()
    else:
        page.get_by_role("region", name="Selected agents").get_by_role("button", name="Activate").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile(rf"^{action} \d agents?$")).click()
    expect(page.get_by_text(re.compile(r"\d agents? (activated|archived)$"))).to_be_visible()
    assert standing() != before
    page.get_by_role("button", name="Undo").click()
    for name in ["Silent", "Loud"][: len(agents)]:
        state = {"Silent": "Paused", "Loud": "Active"}[name]
        expect(page.get_by_role("row", name=re.compile(name)).get_by_text(state)).to_be_visible()
    assert standing() == before


def test_what_failed_can_be_tried_again_alone(console: Consoles, fleet: Practice) -> None:
    page = console("/agents?tag=night", who=fleet)
    nora, otto = fleet.owner.get("/api/my-agents?tag=night")["items"]
    asked: list[dict[str, Any]] = []

    def half(route: Route) -> None:
        body: dict[str, Any] = json.loads(route.request.post_data or "{}")
        asked.append(body)
        if body.get("dry_run") or [one for one in asked if not one.get("dry_run")] != [body]:
            route.fallback()
            return
        # The first try reaches only one of the two.
        answer = route.fetch(post_data=json.dumps({"action": "tag", "tags": body["tags"], "ids": [otto["id"]]}))
        found = answer.json()
        detail = "Others were changing it. Try this one again."
        failed = {"agent_id": nora["id"], "name": "Nora", "outcome": "failed", "code": "not_in_time", "detail": detail}
        route.fulfill(response=answer, body=json.dumps({**found, "outcomes": [failed, *found["outcomes"]]}))

    page.route("**/api/my-agents/bulk", half)
    expect(page.get_by_role("link", name="Nora")).to_be_visible()
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Select all that match").click()
    expect(page.get_by_role("status").filter(has_text="All that match")).to_be_visible()
    page.get_by_role("button", name="More for the selected").click()
    page.get_by_role("menuitem", name="Add tag").click()
    page.get_by_role("dialog").get_by_label("Tag").fill("late")
    page.get_by_role("button", name="Add tag on 2 agents").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 agent failed for now")
    page.get_by_role("button", name="Retry failed").click()
    expect(page.get_by_text("2 agents tagged")).to_be_visible()
    assert asked[0]["filter"] == {
        "status": None, "industry": None, "model": None, "tag": "night", "text": None, "deleted": False,
    }  # fmt: skip
    assert asked[-1]["ids"] == [nora["id"]]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody")).not_to_contain_text("late")


def test_a_deleted_agent_waits_thirty_days_and_comes_back(console: Consoles, practice: Practice, own: str) -> None:
    page = console(f"/agents/{own}", who=practice)
    name = practice.owner.get(f"/api/agents/{own}")["name"]
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name=f"Delete {name}").click()
    expect(page).to_have_url(re.compile("#/agents$"))
    expect(page.get_by_text("can be restored for 30 days")).to_be_visible()
    page.get_by_label("Deleted").check()
    row = page.get_by_role("row", name=re.compile(name))
    expect(row).to_contain_text("in 30 days")
    row.get_by_role("button", name="Restore").click()
    expect(page.get_by_text(f"{name} is back")).to_be_visible()
    assert practice.owner.get(f"/api/my-agents/{own}")["deleted_at"] is None


def test_one_that_needs_no_change_is_told_as_one(console: Consoles, fleet: Practice) -> None:
    page = console("/agents", who=fleet)
    page.get_by_label("Select Nora").check()
    page.get_by_role("button", name="More for the selected").click()
    page.get_by_role("menuitem", name="Add tag").click()
    page.get_by_role("dialog").get_by_label("Tag").fill("night")
    expect(page.get_by_role("dialog")).to_contain_text("1 agent needs no change.")


def test_of_a_deleted_agent_nobody_is_asked_to_save_anything(console: Consoles, practice: Practice, own: str) -> None:
    page = console(f"/agents/{own}?tab=settings", who=practice)
    name = practice.owner.get(f"/api/agents/{own}")["name"]
    page.get_by_label("Name", exact=True).fill("Typed and not saved")
    expect(page.get_by_role("region", name="Unsaved changes")).to_be_visible()
    asked = declined(page)
    page.get_by_role("button", name="Delete agent").click()
    page.get_by_role("button", name=f"Delete {name}").click()
    expect(page).to_have_url(re.compile("#/agents$"))
    expect(page.get_by_role("heading", name="Agents", exact=True)).to_be_visible()
    assert asked == []


def test_a_file_with_a_fault_leads_to_its_line_and_a_good_one_makes_an_agent(
    console: Consoles, practice: Practice
) -> None:
    model = practice.owner.get(f"/api/agents/{practice.agent}")["definition"]["model"]
    good = FILE.format(name="Imported", **model)
    page = console("/agents", who=practice)
    page.get_by_role("button", name="Import YAML").click()
    page.get_by_label("YAML", exact=True).fill(good + "tune: warm\n")
    page.get_by_role("button", name="Import agent").click()
    page.get_by_role("button", name="Line 6, column 1").click()
    assert page.evaluate("getSelection() && document.activeElement.selectionStart") == len(good)
    page.once("dialog", lambda asked: asked.dismiss())
    page.keyboard.press("Escape")
    expect(page.get_by_label("YAML", exact=True)).to_have_value(re.compile("tune: warm"))
    page.get_by_label("YAML", exact=True).fill(good)
    page.get_by_role("button", name="Import agent").click()
    expect(page.get_by_role("heading", name="Imported", level=1)).to_be_visible()


def test_another_try_of_the_failed_is_for_them_and_not_for_all(console: Consoles, fleet: Practice) -> None:
    page = console("/agents", who=fleet)
    page.get_by_role("checkbox", name="Select Nora").check()
    page.get_by_role("checkbox", name="Select Mia").check()
    asked: list[dict[str, Any]] = []

    def half(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        if body.get("dry_run"):
            route.continue_()
            return
        asked.append(body)
        if len(asked) == 2:
            route.fulfill(status=503, json={"status": 503, "title": "Not available just now", "code": "x"})
            return
        answer = {"dry_run": False, "action": "disable", "done": 1, "unchanged": 0, "refused": 0, "failed": 1}
        outcomes = [
            {"agent_id": one, "name": one, "outcome": outcome, "detail": ""}
            for one, outcome in zip(asked[0]["ids"], ("done", "failed"), strict=True)
        ]
        route.fulfill(json={**answer, "outcomes": outcomes})

    page.route("**/api/my-agents/bulk", half)
    page.get_by_role("region", name="Selected agents").get_by_role("button", name="Pause").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Pause ")).click()
    page.get_by_role("button", name="Retry failed").click()
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert [body["ids"] for body in asked[1:]] == [[asked[0]["ids"][1]]] * 2


def test_a_viewer_sees_the_fleet_and_nothing_to_change(console: Consoles, fleet: Practice) -> None:
    page = console("/nowhere", who=fleet)

    def as_viewer(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, body=json.dumps({**found.json(), "role": "viewer"}))

    page.route(re.compile("/api/workspace$"), as_viewer)
    page.reload()
    page.evaluate("location.hash = '/agents'")
    expect(page.get_by_role("link", name="Nora")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Select Nora")).to_have_count(0)
    expect(page.get_by_role("button", name="Import YAML")).to_have_count(0)


def test_a_fleet_that_cannot_be_read_says_so_with_its_request(console: Consoles, practice: Practice) -> None:
    page = console("/nowhere", who=practice)
    body = '{"title": "Not available just now", "status": 503, "code": "unavailable", "request_id": "req12345"}'
    page.route(re.compile(r"/api/my-agents\?"), lambda route: route.fulfill(status=503, body=body))
    page.evaluate("location.hash = '/agents'")
    expect(page.get_by_role("alert")).to_contain_text("req12345")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="Mia", exact=True)).to_be_visible()


def test_a_further_page_that_failed_is_tried_again_below_what_is_there(console: Consoles, fleet: Practice) -> None:
    page = console("/nowhere", who=fleet)
    # Pages of two, as if there were hundreds.
    page.route(
        re.compile("/api/my-agents[?]"),
        lambda route: route.continue_(url=route.request.url.replace("page_size=50", "page_size=2")),
    )
    page.evaluate("location.hash = '/agents'")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    page.route(re.compile("/api/my-agents[?].*page_token"), lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Load more").click()
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(rows).to_have_count(4)
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(("width", "colours"), [(360, "dark"), (768, "light"), (1280, "dark")])
def test_the_list_fits_its_window_and_axe_finds_nothing(
    console: Consoles, fleet: Practice, width: int, colours: str
) -> None:
    assert width in WIDTHS
    page = console("/agents", who=fleet, width=width, color_scheme=colours)
    expect(page.get_by_role("link", name="Nora")).to_be_visible()
    page.get_by_label("Select Nora").check()
    assert complaints(page) == []
    assert sideways(page) <= 0
