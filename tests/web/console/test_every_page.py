"""What holds on every page: how a refusal, a silence and a slow answer look, and that it reads from right to left."""

import contextlib
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.web.console.addresses import (
    ROOMS,
    WITHOUT_READING,
    Place,
    Visited,
    leave,
    open_,
    pattern,
    routes,
    show,
    tabs,
)
from tests.web.console.conftest import Consoles, complaints, sideways

REFUSALS = {
    503: "Not available just now",
    500: "Something went wrong",
    409: "It is not so any more",
    402: "The cap is reached",
    403: "You may not do this",
    429: "Too many requests",
    0: "No connection",
    404: "Not found",
}
"""In this order: what is gone is shown no longer, so nothing of it can stay after."""
ALWAYS = (500, 403, 0, 404)
"""How each tab is refused; the first page of a room is refused in every way."""

NAME = "عيادة الأسنان عند محطة القطار القديمة بجانب السوق الكبير والحديقة العامة"
LONG = "Straßenbahnhaltestellenverwaltungsangestelltenversammlungsraumschlüssel" + "x" * 9


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


def test_every_address_of_the_router_is_visited() -> None:
    listed = [place.address.split("?")[0] for places in ROOMS.values() for place in places] + [*WITHOUT_READING]
    assert len(routes()) > 20
    assert [one for one in routes() if not any(pattern(one).fullmatch(address) for address in listed)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_pages_wait_and_fail_in_place(console: Consoles, visited: Visited, room: str) -> None:
    page = console("/nowhere", who=visited.who(room), reduced_motion="reduce")
    listed = {visited.address(place) for place in ROOMS[room]}
    for place in ROOMS[room]:
        address = visited.address(place)
        waits(page, place, address)
        # A tab that is not listed is one that nobody looks at.
        assert tabs(page) - listed == set()
        leave(page)
        for status in REFUSALS if place is ROOMS[room][0] else ALWAYS:
            fails(page, place, address, status)
            # What a page leaves of itself is the same under every refusal; the note has a look of its own for each.
            if status == 500 or place is ROOMS[room][0]:
                assert (address, status, complaints(page)) == (address, status, [])
            page.unroute(place.reads)
            leave(page)
        show(page, visited, place)
        expect(page.locator("main").get_by_role("alert")).to_have_count(0)
        leave(page)
        # What was read is forgotten, so that the next page has to wait for what it shares with this one.
        page.reload()
        expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


def waits(page: Page, place: Place, address: str) -> None:
    """The page is slow, then there."""
    main = page.locator("main")
    if not place.waits:
        # It shows what the frame has read and asks anew: the answer must be there before another is refused.
        with page.expect_response(place.reads):
            open_(page, address)
        expect(main.locator("h1")).to_be_visible()
        return
    held: list[Route] = []
    page.route(place.reads, lambda route: held.append(route))
    open_(page, address)
    expect(main.locator(".skeleton").first).to_be_visible()
    expect(main.get_by_role("alert")).to_have_count(0)
    page.unroute(place.reads)
    for route in held:
        # A page takes some of its questions back itself.
        with contextlib.suppress(Error):
            route.continue_()
    expect(page.get_by_role("heading", name="There is no such page")).to_have_count(0)
    expect(main.locator("h1")).to_be_visible()
    expect(main.locator(".skeleton")).to_have_count(0)
    expect(main.get_by_role("alert")).to_have_count(0)


def fails(page: Page, place: Place, address: str, status: int) -> None:
    """The page says what happened, which request that was, and what to do; what was read stays."""
    main = page.locator("main")
    page.route(place.reads, refusing(status))
    open_(page, address)
    alert = main.get_by_role("alert").first
    expect(alert, f"{address}, {status}").to_contain_text(REFUSALS[status])
    if status:
        expect(alert).to_contain_text("Request req12345")
        expect(alert.get_by_role("button", name="Copy id")).to_be_visible()
    again = alert.get_by_role("button", name=re.compile("^Try again"))
    expect(again, f"{address}, {status}").to_have_count(0 if status in (403, 404) else 1)
    # Without a button to press, words say what to do; a failure of ours says what became of what was there.
    if status in (403, 404) or status >= 500:
        expect(alert.locator("p.muted"), f"{address}, {status}").not_to_have_count(0)
    if status == 429:
        expect(again).to_have_attribute("aria-disabled", "true")
    expect(main.locator(".skeleton"), f"{address}, {status}").to_have_count(0)
    # What is gone, or not for this person any more, need not stay.
    if place.stays and status not in (403, 404):
        expect(main).to_contain_text(place.stays)


@pytest.fixture(scope="module")
def arabic(visited: Visited) -> Visited:
    """The practice with an agent whose name is Arabic and one whose name is one long word, and words in Arabic."""
    for name in (NAME, LONG):
        visited.practice.owner.ask("POST", "/api/agents", {"name": name[:80], "industry": "dental"})
    visited.practice.turn("متى تفتحون يوم السبت؟ " + "هل توجد مواقف سيارات؟ " * 10)
    return visited


@pytest.mark.parametrize("room", ROOMS)
def test_every_page_reads_from_right_to_left(console: Consoles, arabic: Visited, room: str) -> None:
    page = console("/nowhere", who=arabic.who(room), width=360, reduced_motion="reduce")
    page.evaluate("document.documentElement.dir = 'rtl'")
    found = []
    for place in ROOMS[room]:
        show(page, arabic, place)
        found.append((place.address, complaints(page), max(0, sideways(page))))
        page.set_viewport_size({"width": 1280, "height": 900})
        found.append((place.address, [], max(0, sideways(page))))
        page.set_viewport_size({"width": 360, "height": 900})
    assert [one for one in found if one[1:] != ([], 0)] == []
