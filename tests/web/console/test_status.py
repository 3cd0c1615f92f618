"""How the service is, asked anew by hand."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.practice import Practice
from tests.web.console.conftest import Consoles, complaints, sideways


def test_status_shows_every_part_and_check_now_asks_again(console: Consoles, practice: Practice) -> None:
    page = console("/status", who=practice)
    expect(page.get_by_text("All parts are healthy")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("agents-chat.*Healthy.*ms"))).to_be_visible()
    expect(page.get_by_text("Unsent events")).to_be_visible()
    expect(page.get_by_text("Dead letters")).to_be_visible()
    with page.expect_response(re.compile("/api/dashboard/status")):
        page.get_by_role("button", name="Check now").focus()
        page.keyboard.press("Enter")


@pytest.mark.parametrize(("width", "colours"), [(360, "dark"), (768, "light"), (1280, "light")])
def test_a_part_that_is_not_well_comes_first_and_says_what_is_safe(
    console: Consoles, practice: Practice, width: int, colours: str
) -> None:
    def as_if_ill(route: Route) -> None:
        answer = route.fetch()
        found: dict[str, Any] = answer.json()
        found["deployments"][-1] |= {"name": "billing-close", "status": "unreachable", "version": None}
        found["deployments"][-1]["latency_ms"] = None
        route.fulfill(response=answer, json=found | {"dead_letters": 3})

    page = console("/nowhere", who=practice, width=width, color_scheme=colours)
    page.route(re.compile("/api/dashboard/status$"), as_if_ill)
    page.evaluate("location.hash = '/status'")
    expect(page.get_by_text("billing-close is not well")).to_be_visible()
    expect(page.get_by_text("Nothing that was accepted is lost")).to_be_visible()
    first = page.locator("tbody tr, .card-item").first
    expect(first).to_contain_text("billing-close")
    expect(first).to_contain_text("No answer")
    expect(first).to_contain_text("–")
    assert complaints(page) == []
    assert sideways(page) <= 0
