"""What holds on every page: how a refusal, a silence and a slow answer look, and that it reads from right to left."""

import contextlib
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.e2e.practice import Practice
from tests.web.console.conftest import Consoles, complaints, sideways

# What the frame itself needs is always answered: these are about the page in it.
READS = re.compile(r"/api/(?!workspace$|dashboard/summary)")
REFUSALS = {
    402: "The cap is reached",
    403: "You may not do this",
    429: "Too many requests",
    0: "No connection",
    404: "Not found",
}
"""In this order: what is gone is shown no longer, so nothing of it can stay after."""

PAGES = {
    "/": "onversation",
    "/agents": None,
    "/agents/{agent}": "Mia",
    "/conversations": None,
    "/analytics": "Conversations",
    "/widgets": None,
    "/billing": "Balance",
    "/billing/invoices": None,
    "/activity": None,
    "/settings?tab=members": "Owner",
    "/exports": None,
    "/status": None,
}
"""Each page with words of what was read that stay when the next reading fails; lists are read anew with their page."""

NAME = "عيادة الأسنان عند محطة القطار القديمة بجانب السوق الكبير والحديقة العامة"
LONG = "Straßenbahnhaltestellenverwaltungsangestelltenversammlungsraumschlüssel" + "x" * 9


def open_(page: Page, path: str) -> None:
    page.evaluate("path => { location.hash = path }", path)


def refusing(status: int) -> Callable[[Route], None]:
    """Answers every reading so; 0 is no answer."""

    def refuse(route: Route) -> None:
        if not status:
            route.abort()
            return
        problem = {"status": status, "title": REFUSALS[status], "code": "refused", "detail": "", "errors": []}
        route.fulfill(
            status=status,
            headers={"Retry-After": "30"} if status == 429 else {},
            content_type="application/problem+json",
            json={**problem, "request_id": "req12345"},
        )

    return refuse


@pytest.mark.parametrize(("path", "stays"), list(PAGES.items()))
def test_a_page_waits_and_fails_in_place(console: Consoles, practice: Practice, path: str, stays: str | None) -> None:
    path = path.format(agent=practice.agent)
    page = console("/nowhere", who=practice, reduced_motion="reduce")
    main = page.locator("#main")
    practice.turn()
    held: list[Route] = []
    page.route(READS, lambda route: held.append(route))
    open_(page, path)
    expect(main.locator(".skeleton").first).to_be_visible()
    page.unroute(READS)
    for route in held:
        # A page takes some of its questions back itself.
        with contextlib.suppress(Error):
            route.continue_()
    expect(main.locator(".skeleton")).to_have_count(0)
    expect(main.get_by_role("alert")).to_have_count(0)
    for status, title in REFUSALS.items():
        open_(page, "/nowhere")
        expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
        page.route(READS, refusing(status))
        open_(page, path)
        alert = main.get_by_role("alert").first
        expect(alert).to_contain_text(title)
        if status:
            expect(alert).to_contain_text("Request req12345")
        again = alert.get_by_role("button", name=re.compile("^Try again"))
        expect(again).to_have_count(0 if status in (403, 404) else 1)
        if status == 429:
            expect(again).to_have_attribute("aria-disabled", "true")
        expect(main.locator(".skeleton")).to_have_count(0)
        # What is gone, or not for this person any more, need not stay.
        if stays and status not in (403, 404):
            expect(main).to_contain_text(stays)
        assert (status, complaints(page)) == (status, [])
        page.unroute(READS)
    open_(page, "/nowhere")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    open_(page, path)
    expect(main.locator(".skeleton")).to_have_count(0)
    expect(main.get_by_role("alert")).to_have_count(0)


@pytest.fixture(scope="module")
def arabic(practice: Practice) -> Practice:
    """The practice with an agent whose name is Arabic and one whose name is one long word, and words in Arabic."""
    for name in (NAME, LONG):
        practice.owner.ask("POST", "/api/agents", {"name": name[:80], "industry": "dental"})
    practice.turn("متى تفتحون يوم السبت؟ " + "هل توجد مواقف سيارات؟ " * 10)
    return practice


@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_reads_from_right_to_left(console: Consoles, arabic: Practice, width: int) -> None:
    page = console("/nowhere", who=arabic, width=width, reduced_motion="reduce")
    page.evaluate("document.documentElement.dir = 'rtl'")
    found = []
    for path in (
        *PAGES,
        "/agents/{agent}?tab=settings",
        "/agents/new",
        "/billing?tab=plan",
        "/settings",
    ):
        open_(page, path.format(agent=arabic.agent))
        expect(page.locator("#main h1").first).to_be_visible()
        expect(page.locator("#main .skeleton")).to_have_count(0)
        found += [(path, complaints(page), max(0, sideways(page)))]
    assert [one for one in found if one[1:] != ([], 0)] == []
