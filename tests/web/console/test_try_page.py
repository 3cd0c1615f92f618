"""The page on which an owner tries a widget: the real tag, the real chat, a real answer."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.practice import HOURS, QUESTION, Practice
from tests.web.console.conftest import Consoles, complaints, sideways


def test_the_widget_is_tried_on_a_page_after_one_click(console: Consoles, practice: Practice) -> None:
    page = console(f"/widgets/{practice.widget}?tab=embed", who=practice)
    origin = practice.stack.gateway
    path = f"/api/widgets/{practice.widget}"
    before = practice.owner.get(path)["allowed_origins"]
    page.get_by_role("button", name="Allow this origin").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Allow this origin").click()
    tried = page.get_by_role("link", name="Try it on a page")
    expect(tried).to_be_visible()
    assert practice.owner.get(path)["allowed_origins"] == [*before, origin]

    with page.expect_popup() as opened:
        tried.click()
    visited = opened.value
    heard: list[str] = []
    visited.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    visited.on("pageerror", lambda error: heard.append(str(error)))
    # The tag stands on the page as it does on a customer's.
    expect(visited.locator(f'script[src$="/v1/widget.js"][data-widget="{practice.widget}"]')).to_have_count(1)
    answered(visited)
    assert heard == []
    # A visitor's turn, in the figures like any other.
    path = f"/api/conversations?widget_id={practice.widget}"
    assert QUESTION in [one["title"] for one in practice.owner.get(path)["items"]]


def answered(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Open chat")).click()
    page.get_by_role("textbox", name="Write a message").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".message.agent").last).to_contain_text(HOURS)


def test_the_page_says_what_is_missing_and_is_a_good_page_itself(console: Consoles, practice: Practice) -> None:
    page = console("/", who=practice)
    for query in ("", "?widget=%3Cscript%3E"):
        page.goto(f"{practice.stack.gateway}/try.html{query}")
        expect(page.get_by_role("status")).to_contain_text("Open it from the widget's page")
        expect(page.locator("agenthub-chat")).to_have_count(0)
    assert complaints(page) == []
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Open it from the widget's page")
    assert complaints(page) == []
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert sideways(page) <= 0
    assert page.evaluate("document.querySelectorAll('script').length") == 1
