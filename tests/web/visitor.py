"""What a visitor does, in words, for the widget's browser tests."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

Open = Callable[..., Page]


def opened(page: Page) -> Page:
    page.locator(".launcher").click()
    page.get_by_role("dialog").wait_for()
    return page


def ask(page: Page, text: str = "What does a cleaning cost?") -> None:
    field = page.get_by_role("textbox", name="Write a message")
    field.fill(text)
    field.press("Enter")


def last_answer(page: Page) -> Locator:
    return page.locator(".message.agent .bubble").last


def answered(page: Page) -> None:
    expect(page.locator(".sources").last).to_be_visible()
