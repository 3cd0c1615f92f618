"""A stack, a practice on it, and its owner's console in Chromium."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route

from infra import web
from tests.e2e.practice import Practice
from tests.e2e.stack import Stack
from tests.web.console.addresses import Visited
from tests.web.console.billed import Billed, Person

AXE = web.FrontEnd("console").source / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (360, 768, 1280)
SECONDS = 30_000
Make = Callable[..., str]


@pytest.fixture(scope="package")
def stack(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One running AgentHub for all tests of the console in this worker; each file makes workspaces of its own."""
    started = Stack(tmp_path_factory.mktemp("console"), own=True).start(AGENTHUB_MODEL_FAULTS="1")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def practice(stack: Stack) -> Practice:
    """A workspace with an active agent, an item of knowledge and a widget. Its owner's client makes more."""
    return Practice(stack)


@pytest.fixture(scope="module")
def make(practice: Practice) -> Make:
    """Makes an agent of its own for a test, with these fields."""

    def made(**fields: object) -> str:
        body = {"name": f"Agent {uuid.uuid4().hex[:6]}", "industry": "dental", **fields}
        return str(practice.owner.ask("POST", "/api/agents", body).json()["id"])

    return made


@pytest.fixture(scope="package")
def billed(stack: Stack) -> Billed:
    """Practices with a draft and with open invoices, and the operator."""
    return Billed(stack)


@pytest.fixture(scope="module")
def visited(practice: Practice, billed: Billed) -> Visited:
    """What every page of the console is about, and who sees it."""
    return Visited(practice, billed)


@dataclass
class Consoles:
    """Opens consoles; `errors` are what their scripts threw, what the browser refused under the policy, and what was
    asked of another origin than AgentHub's."""

    browser: Browser
    stack: Stack
    opened: list[Any] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __call__(
        self,
        path: str = "/",
        *,
        who: Practice | Person | None = None,
        width: int = 1280,
        height: int = 900,
        **options: Any,
    ) -> Page:
        """The page at `path`, signed in as `who`'s owner. `color_scheme="dark"` and the like go to the browser."""
        context = self.browser.new_context(
            **{"viewport": {"width": width, "height": height}, "locale": "en-US", "timezone_id": "UTC", **options}
        )
        context.set_default_timeout(SECONDS)
        self.opened.append(context)
        context.on("request", self._asked)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        if who is not None:
            # The refresh token is what the console keeps of a sign-in; once only, so that signing out stays possible.
            page.add_init_script(
                "if (!sessionStorage.getItem('test.signed')) { sessionStorage.setItem('test.signed', '1');"
                f"localStorage.setItem('agenthub.session', {who.owner.refresh_token!r}); }}"
            )
        page.goto(f"{self.stack.gateway}/#{path}")
        if who is not None:
            page.locator(".topbar").wait_for()
            page.locator("h1").first.wait_for()
        return page

    def _asked(self, request: Any) -> None:
        if request.url.startswith(("http:", "https:")) and not request.url.startswith(f"{self.stack.gateway}/"):
            self.errors.append(f"{request.method} {request.url}")

    def _heard(self, message: Any) -> None:
        # A refused request is the page's to show; a refused style or script is a hole in the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)


Console = Callable[..., Page]


@pytest.fixture
def console(browser: Browser, stack: Stack) -> Iterator[Consoles]:
    """Opens the console: `console("/agents", who=practice, width=360, color_scheme="dark")`. Any script error fails."""
    consoles = Consoles(browser, stack)
    yield consoles
    for context in consoles.opened:
        # A request that a test had intercepted may be on its way still; its end is nobody's, and not the next test's.
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")
        context.close()
    assert consoles.errors == []


def complaints(page: Page) -> list[Any]:
    """What axe finds on the page, by rule, with the elements."""
    # The page's own policy refuses scripts from elsewhere; the debugger's way in is not bound by it.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    # A colour that is on its way to another is neither.
    page.evaluate(
        "Promise.all(document.getAnimations().filter((one) => one instanceof CSSTransition)"
        ".map((one) => one.finished.catch(() => {}))).then(() => {})"
    )
    found: list[Any] = page.evaluate(
        "axe.run().then(({ violations }) => violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
    )
    return found


def declined(page: Page) -> list[str]:
    """Whatever the browser asks from now on is answered with Cancel, and stands in this list."""
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    return asked


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@contextmanager
def late(page: Page, method: str, path: str) -> Iterator[None]:
    """What is asked first within, by this method of this path, is answered at its end."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == method and not held:
            held.append(route)
        else:
            route.continue_()

    page.route(path, hold)
    with page.expect_response(lambda answer: bool(held) and answer.request == held[0].request):
        yield
        held[0].continue_()
    page.unroute(path)
    # What follows the answer has its turn: nothing of it can be waited for, since nothing may happen.
    page.wait_for_timeout(300)


def reach(page: Page, name: str) -> None:
    """Press Tab until the element of this accessible name has the focus; raises AssertionError when it never has.

    It may stand in the widget, which is in a frame and has a shadow root.
    """
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(
            "name => { let e = document.activeElement;"
            "for (let inner = e; inner; inner = e.shadowRoot?.activeElement ?? e.contentDocument?.activeElement) e = inner;"
            "const label = e.labels?.[0]?.innerText ?? e.getAttribute('aria-label') ?? e.innerText;"
            "return label.trim().startsWith(name) }",
            name,
        ):
            return
    raise AssertionError(f"Tab never reaches {name}")
