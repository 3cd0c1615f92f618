"""The page of /docs in a browser, under its own policy: it is searched, opens what a link leads to, and fits a phone."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from functions.shared.http import docs
from infra.openapi import ROOT

ADDRESS = "http://agenthub.test/docs"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The page on a phone of 360 px; whatever it asks for besides, and every error, fails the test."""
    contract = json.loads((ROOT / "functions" / "dashboard" / "openapi.json").read_text("utf-8"))
    context = browser.new_context(viewport={"width": 360, "height": 740})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda message: wrong.append(message.text))
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": docs.POLICY}
    context.route("**/*", lambda route: wrong.append(route.request.url) or route.abort())
    context.route(ADDRESS, lambda route: route.fulfill(body=docs.page(contract), headers=headers))
    opened.goto(ADDRESS)
    yield opened
    context.close()
    assert wrong == []


def test_a_search_leaves_what_has_all_the_words(page: Page) -> None:
    search = page.get_by_role("searchbox")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    search.fill("post webhooks rotate")
    expect(page.locator("details:visible")).to_have_count(1)
    expect(page.locator("details:visible code").first).to_have_text("/api/webhooks/{webhook}/rotate")
    expect(page.locator("output")).to_contain_text("1 of ")
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_hidden()
    search.fill("")
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()


def test_a_link_to_a_model_opens_it_even_where_a_search_hid_it(page: Page) -> None:
    page.get_by_role("searchbox").fill("/api/agents/{agent}/chat")
    page.locator("#agents_chat_chat_with_agent summary").click()
    page.get_by_role("link", name="TurnAnswer").click()
    model = page.locator("#TurnAnswer")
    expect(model).to_have_attribute("open", "")
    expect(model).to_be_in_viewport()
    expect(model.get_by_text("conversation_id")).to_be_visible()


def test_nothing_is_wider_than_a_phone(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_dark_is_dark(page: Page) -> None:
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert (light, page.evaluate("getComputedStyle(document.body).backgroundColor")) == (
        "rgb(255, 255, 255)",
        "rgb(18, 21, 27)",
    )
