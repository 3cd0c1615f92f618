"""Chromium, the built widget and its stand-in platform, as fixtures of the browser tests."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from infra import web
from tests.e2e.visitor import chromium
from tests.web import standin
from tests.web.visitor import Open

# A machine that runs everything at once is slow; nobody waits for what is there.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def built() -> None:
    """The front ends are built from the sources of now."""
    web.build_stale()


# Not for the session: while Playwright runs, its event loop does, and tests elsewhere start loops of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium of the machine; without one the test is skipped, in CI it fails."""
    path = chromium()
    if path is None:
        advice = (
            "Chromium is missing: `apt-get install chromium-headless-shell`; until then the browser tests do not run."
        )
        if os.environ.get("CI"):
            pytest.fail(advice)
        pytest.skip(advice)
    # Playwright's own driver needs libraries that a machine without a browser may lack: it starts only now.
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def platform(built: None) -> Iterator[standin.Standin]:
    """A fresh stand-in of the platform."""
    with standin.platform() as running:
        yield running


@pytest.fixture
def site(platform: standin.Standin) -> Iterator[str]:
    """The address of the customer's page, on an origin of its own."""
    with standin.site(platform) as origin:
        yield origin


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Open]:
    """Opens the customer's page: `visit(color_scheme="dark")`; an error of any script on it fails the test."""
    contexts = []
    errors: list[str] = []

    def go(init: str = "", site: str = site, wait: float = 20_000, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **options})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: print(message.text))
        if init:
            page.add_init_script(init)
        page.goto(site)
        page.locator("agenthub-chat .launcher").wait_for(timeout=wait)
        return page

    yield go
    for context in contexts:
        context.close()
    assert errors == []
