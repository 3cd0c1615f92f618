"""The page of /docs in a browser, under its own policy: it is searched, opens what a link leads to, and fits a phone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from functions.shared.http import docs
from infra.openapi import ROOT
from tests.functions.shared.http.test_docs import hostile
from tests.web.test_widget_attacks import ATTACKS

ADDRESS = "http://agenthub.test/docs"


@contextmanager
def shown(browser: Browser, contract: dict[str, Any]) -> Iterator[Page]:
    """The page on a phone of 360 px; whatever it asks for besides, and every error and refusal, fails the test."""
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


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The page of the largest contract."""
    with shown(browser, json.loads((ROOT / "functions" / "dashboard" / "openapi.json").read_text("utf-8"))) as opened:
        yield opened


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


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_anywhere_in_the_contract_is_text(browser: Browser, attack: str) -> None:
    with shown(browser, hostile(attack)) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        page.get_by_role("searchbox").fill(attack)
        expect(page.locator("h1")).to_contain_text(attack.strip()[:20])
        assert page.evaluate("window.hacked ?? null") is None
        assert page.evaluate("document.scripts.length") == 1
        strange = "document.querySelectorAll('img, svg, iframe, base, meta[http-equiv], template, object, link').length"
        assert page.evaluate(strange) == 0
        names = page.evaluate("[...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())")
        assert [name for name in names if name.startswith("on")] == []
        for link in page.evaluate("[...document.querySelectorAll('a')].map((one) => one.getAttribute('href'))"):
            assert link == "openapi.json" or link.startswith("#"), link


def test_what_the_policy_refuses_would_be_seen(browser: Browser) -> None:
    with pytest.raises(AssertionError, match="TrustedHTML"), shown(browser, hostile("word")) as page:
        page.evaluate("try { document.body.innerHTML = '<b>' } catch {}")
