"""Workspaces with hundreds of agents: a page holds what is looked at, and loses nothing of what is not."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.practice import Practice
from tests.web.console.conftest import Consoles, complaints

MANY = 500


def name(n: int) -> str:
    return f"Agent {n:03d}"


@pytest.fixture(scope="module")
def agents(practice: Practice) -> list[dict[str, Any]]:
    """What the fleet would answer if it had so many."""
    mia = practice.owner.get("/api/my-agents")["items"][0]
    return [{**mia, "id": f"{mia['id'][:-3]}{n:03d}", "name": name(n)} for n in range(MANY)]


def opened(console: Consoles, practice: Practice, agents: list[dict[str, Any]], path: str, **options: Any) -> Page:
    """The page at `path` with that fleet."""
    page = console("/nowhere", who=practice, **options)
    page.route("**/api/my-agents?*", lambda route: route.fulfill(json={"items": agents, "next_page_token": None}))
    page.evaluate("path => location.hash = path", path)
    return page


def caps(console: Consoles, practice: Practice, agents: list[dict[str, Any]], puts: list[Any]) -> Page:
    """Caps where agent 300 has a cap and agent 400 a charge; what is saved goes to `puts`."""
    owner = practice.owner
    capped = {agents[300]["id"]: {"amount": "10.00", "currency": "USD"}}
    budgets = {**owner.get("/api/billing/budgets"), "agent_caps": capped}
    charged = {agents[400]["id"]: {"amount": "1.25", "currency": "USD"}}
    billing = {**owner.get("/api/billing"), "charge_by_agent": charged}
    page = console("/nowhere", who=practice)

    def budget(route: Route) -> None:
        if route.request.method == "PUT":
            puts.append(json.loads(route.request.post_data or "{}"))
            route.fulfill(json={**budgets, "agent_caps": puts[-1]["agent_caps"]}, headers={"ETag": '"2"'})
        else:
            route.fulfill(json=budgets, headers={"ETag": '"1"'})

    page.route("**/api/my-agents?*", lambda route: route.fulfill(json={"items": agents, "next_page_token": None}))
    page.route("**/api/billing/budgets", budget)
    page.route("**/api/billing", lambda route: route.fulfill(json=billing))
    page.evaluate("location.hash = '/billing?tab=caps'")
    expect(page.locator(".agent-caps > li")).to_have_count(50)
    expect(page.get_by_text("USD 1.25 this month")).to_be_visible()
    return page


def test_of_hundreds_the_agents_with_a_cap_or_a_charge_stand_first(
    console: Consoles, practice: Practice, agents: list[dict[str, Any]]
) -> None:
    page = caps(console, practice, agents, [])
    found = page.locator(".agent-caps strong").all_inner_texts()
    assert found == [name(n) for n in (300, 400, *range(48))]
    assert complaints(page) == []


def test_by_keyboard_more_agents_come_and_the_focus_goes_to_the_first_of_them(
    console: Consoles, practice: Practice, agents: list[dict[str, Any]]
) -> None:
    page = caps(console, practice, agents, [])
    page.get_by_role("button", name="Show more agents").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".agent-caps > li")).to_have_count(100)
    expect(page.locator(".agent-caps > li", has_text=name(48))).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label(f"Cap, USD, {name(48)}")).to_be_focused()


def test_what_was_typed_for_an_agent_stays_whatever_is_looked_for(
    console: Consoles, practice: Practice, agents: list[dict[str, Any]]
) -> None:
    puts: list[Any] = []
    page = caps(console, practice, agents, puts)
    search = page.get_by_role("searchbox", name="Find an agent")
    search.fill("agent 42")
    expect(page.get_by_role("status").filter(has_text="10 agents found")).to_be_visible()
    cap = page.get_by_label(f"Cap, USD, {name(421)}")
    cap.press_sequentially("much")
    expect(cap).to_be_focused()
    search.fill("agent 007")
    expect(page.locator(".agent-caps strong")).to_have_text([name(7), name(421)])
    expect(cap).to_have_value("much")
    # A row that is taken back while it is typed in stays under the fingers.
    cap.fill("")
    expect(cap).to_be_focused()
    expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    cap.fill("12,5x")
    search.fill("")
    page.keyboard.press("Control+s")
    expect(cap).to_be_focused()
    expect(page.locator(".agent-caps .error")).to_contain_text("Write an amount")
    assert puts == []
    cap.fill("12,5")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("There is no cap from the next turn on")).to_be_visible()
    assert {agent: cap["amount"] for agent, cap in puts[0]["agent_caps"].items()} == {
        agents[300]["id"]: "10.00",
        agents[421]["id"]: "12.5",
    }


CARD_IN_VIEW = """new Promise((found) => {
  const look = () => {
    const card = document.elementFromPoint(180, 400)?.closest(".card-item");
    if (card) found(Number(card.ariaPosInSet));
    else requestAnimationFrame(look);
  };
  look();
})"""
"""The place of the card that is in the middle of the window, once one is."""


def test_of_hundreds_of_cards_those_near_the_window_are_there_in_order_and_keep_choice_and_focus(
    console: Consoles, practice: Practice, agents: list[dict[str, Any]]
) -> None:
    page = opened(console, practice, agents, "/agents", width=360)
    expect(page.get_by_label(f"Select {name(0)}")).to_be_visible()
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    middle = int(page.evaluate(CARD_IN_VIEW)) - 1
    assert 100 < middle < 400
    assert page.locator(".card-item").count() < 100
    shown = page.evaluate(
        "[...document.querySelectorAll('.card-item')].map((card) =>"
        " [Number(card.ariaPosInSet), card.querySelector('.agent-name a').textContent])"
    )
    assert shown == [[n, name(n - 1)] for n, _ in sorted(shown)]
    assert len({n for n, _ in shown}) == len(shown)
    assert complaints(page) == []
    tick = page.get_by_label(f"Select {name(middle)}")
    tick.check()
    expect(page.get_by_role("region", name="Selected agents")).to_contain_text("1 selected")
    expect(tick).to_be_focused()
    there = page.evaluate("scrollY")
    # Where the focus is stays when it is scrolled away, and what stands beside it in the window comes.
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.get_by_label(f"Select {name(MANY - 1)}")).to_be_visible()
    expect(tick).to_be_focused()
    page.get_by_label(f"Select {name(MANY - 1)}").check()
    page.evaluate("scrollTo(0, 0)")
    expect(page.get_by_label(f"Select {name(0)}")).to_be_visible()
    expect(page.get_by_label(f"Select {name(MANY - 1)}")).to_be_focused()
    page.evaluate("there => scrollTo(0, there)", there)
    expect(tick).to_be_checked()
    expect(page.get_by_role("region", name="Selected agents")).to_contain_text("2 selected")
