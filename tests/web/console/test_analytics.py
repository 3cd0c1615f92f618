"""Analytics: what is counted can be seen, read by keys and by others' eyes, compared, filtered, followed and taken away."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from functions.shared import clock
from tests.e2e.client import until
from tests.e2e.practice import Practice
from tests.e2e.stack import Stack
from tests.web.console.conftest import WIDTHS, Consoles, complaints, sideways

ANALYTICS = re.compile(r"/api/analytics\?")


@pytest.fixture(scope="module")
def busy(stack: Stack) -> Practice:
    """A practice whose turns of today are counted."""
    practice = Practice(stack, "Linden Dental")
    for question in ("When are you open?", "Is there parking?", "Do you whiten teeth?"):
        practice.turn(question)
    until(60, lambda: practice.turns_counted() >= 3)
    return practice


def drawn(page: Page) -> None:
    """Wait until every plot has its canvas and nothing is being fetched for the first time."""
    expect(page.locator(".plot canvas").first).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


def changed(page: Page, change: Callable[[Any], None]) -> None:
    """Let the page find other figures in a real answer."""

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        change(body)
        route.fulfill(response=response, json=body)

    page.route(ANALYTICS, answer)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_tab_fits_its_window_and_has_no_complaint(console: Consoles, busy: Practice, width: int) -> None:
    page = console("/analytics", who=busy, width=width)
    drawn(page)
    assert complaints(page) == []
    assert sideways(page) <= 0
    for tab in ("Quality", "Speed", "Cost", "Industries"):
        page.get_by_role("navigation", name="Figures").get_by_role("link", name=tab).click()
        page.get_by_role("heading", name="By industry" if tab == "Industries" else "By agent", exact=True).wait_for()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert (tab, complaints(page)) == (tab, [])
        assert (tab, sideways(page) <= 0) == (tab, True)


def test_a_figure_leads_to_its_conversations_and_a_chart_is_read_by_keys(console: Consoles, busy: Practice) -> None:
    page = console("/analytics?range=7d", who=busy)
    drawn(page)
    tile = page.locator(".tile", has=page.get_by_role("heading", name="Turns", exact=True))
    expect(tile.locator(".figure")).to_have_text("3")
    # A workspace of today: twice nothing is not called "no change".
    expect(tile).to_contain_text("Nothing to compare with")
    href = tile.get_by_role("link").get_attribute("href") or ""
    assert re.fullmatch(r"#/conversations\?from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d", href)
    plot = page.get_by_role("application", name=re.compile("^Turns. "))
    plot.focus()
    page.keyboard.press("End")
    said = plot.get_by_role("status")
    expect(said).to_contain_text(re.compile(r"not over yet: .*\b3\b"))
    page.keyboard.press("Home")
    expect(said).to_contain_text(re.compile(r": .*\b0\b"))
    expect(plot.locator(".tip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(plot.locator(".tip")).to_have_count(0)
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"#/conversations\?from=(\S+)&to=\1$"))


def test_the_same_numbers_are_a_table_and_a_file_and_every_figure_has_its_definition(
    console: Consoles, busy: Practice
) -> None:
    page = console("/analytics?range=7d", who=busy)
    drawn(page)
    figure = page.locator("figure", has=page.get_by_role("application", name=re.compile("^Turns. ")))
    figure.get_by_role("button", name="Table").click()
    table = figure.get_by_role("group", name="Turns as a table")
    expect(table.get_by_role("row")).to_have_count(8)
    expect(table.get_by_role("row").last).to_contain_text("3")
    with page.expect_download() as downloading:
        figure.get_by_role("button", name="CSV").click()
    assert downloading.value.suggested_filename == "Turns.csv"
    lines = downloading.value.path().read_text().splitlines()
    assert lines[0].startswith("time,Turns")
    assert [line.split(",")[1] for line in lines[1:]] == ["0"] * 6 + ["3"]
    page.get_by_role("button", name="What Turns means").first.click()
    expect(page.get_by_text("Questions that were answered, whole or in part.").first).to_be_visible()


def test_the_filter_and_the_span_are_in_the_address_and_only_one_filter_holds(
    console: Consoles, busy: Practice
) -> None:
    page = console("/analytics?tab=speed", who=busy)
    drawn(page)
    page.get_by_role("combobox", name="Time span").select_option("7d")
    page.get_by_role("combobox", name="Channel").select_option("playground")
    expect(page).to_have_url(re.compile(r"(?=.*range=7d)(?=.*channel=playground)"))
    page.get_by_role("combobox", name="Agent").select_option(busy.agent)
    expect(page).to_have_url(re.compile(f"(?=.*agent={busy.agent})(?!.*channel=)"))
    expect(page.get_by_text("Figures are kept by one dimension at a time")).to_be_visible()
    page.get_by_role("combobox", name="Version").select_option(busy.version)
    expect(page).to_have_url(re.compile(f"version={busy.version}"))
    page.reload()
    expect(page.get_by_role("combobox", name="Version")).to_have_value(busy.version)
    # Nobody has run test cases: that is said, not drawn as 0.
    page.get_by_role("combobox", name="Channel").select_option("check")
    expect(page.get_by_role("heading", name="No usage of this in this time")).to_be_visible()
    page.get_by_role("button", name="Clear filter").first.click()
    drawn(page)
    page.get_by_role("button", name="Channel", exact=True).click()
    expect(page.get_by_role("link", name="Playground").first).to_be_visible()


def test_changes_are_coloured_only_where_one_way_is_better_and_unknown_is_not_zero(
    console: Consoles, busy: Practice
) -> None:
    page = console("/nowhere", who=busy)

    def twice(body: Any) -> None:
        series = body["series"]
        series["compared"] |= {"conversations": 30, "error_rate": 0.02, "first_token_p95_ms": 500, "leads": 2}
        series["compared_before"] |= {"conversations": 20, "error_rate": 0.01, "first_token_p95_ms": 1000, "leads": 0}
        series["compared"]["first_token_p50_ms"] = None

    changed(page, twice)
    page.evaluate("location.hash = '/analytics'")

    def tile(name: str) -> Locator:
        # By its heading: definitions inside a tile name other figures.
        return page.locator(".tile").filter(has=page.get_by_role("heading", name=name, exact=True))

    expect(tile("Conversations").locator(".delta")).to_have_class("delta")
    expect(tile("Conversations").locator(".delta")).to_contain_text("+50.0 %")
    expect(tile("Leads").locator(".delta.good")).to_contain_text("new")
    page.get_by_role("link", name="Speed", exact=True).click()
    expect(tile("First token, p95").locator(".delta.good")).to_contain_text("\u221250.0 % (better)")
    expect(tile("First token, p50")).to_contain_text("Nothing to compare with")


def test_what_is_behind_the_tenth_has_a_share_of_the_whole_too(console: Consoles, busy: Practice) -> None:
    page = console("/nowhere", who=busy)

    def many(body: Any) -> None:
        (group, *_) = body["groups"].values()
        body["groups"] = {f"model-{number}": group | {"turns": 5} for number in range(20)}
        body["current"]["turns"] = 100

    changed(page, many)
    page.evaluate("location.hash = '/analytics?by=model'")
    turns = page.locator("section", has=page.get_by_role("heading", name="Turns", exact=True)).locator(".ranks").last
    expect(turns.locator("li").last).to_contain_text("Other (10)")
    expect(turns.locator("li").last).to_contain_text("50.0 %")
    expect(turns.locator("li").first).to_contain_text("5.0 %")


@pytest.mark.parametrize(("minutes", "seen"), [(1, r"As of \d\d:\d\d"), (45, r"No usage since ")])
def test_silence_is_told_from_fresh_figures(console: Consoles, busy: Practice, minutes: int, seen: str) -> None:
    page = console("/nowhere", who=busy)
    at = page.evaluate("(minutes) => new Date(Date.now() - minutes * 60000).toISOString()", minutes)
    changed(page, lambda body: body.update(as_of=at))
    page.evaluate("location.hash = '/analytics'")
    expect(page.get_by_text(re.compile(seen))).to_be_visible()


def test_late_counters_are_delayed_by_the_servers_clock_and_no_silence(console: Consoles, busy: Practice) -> None:
    page = console("/nowhere", who=busy)

    def late(body: Any) -> None:
        # The server's clock is an hour behind this one: whether something is late, it alone decides.
        now = clock.now() - timedelta(hours=1)
        stamps = {"as_of": 50, "late_since": 40}
        body.update({name: clock.to_text(now - timedelta(minutes=before)) for name, before in stamps.items()})

    changed(page, late)
    page.evaluate("location.hash = '/analytics'")
    expect(page.get_by_text(re.compile(r"Usage is counted up to "))).to_be_visible()
    expect(page.locator(".figures .badge", has_text="Delayed")).to_be_visible()
    expect(page.get_by_text("No usage since")).to_have_count(0)
    page.unroute(ANALYTICS)

    def on_time(body: Any) -> None:
        body.update(as_of=clock.to_text(clock.now()), late_since=None)

    changed(page, on_time)
    page.reload()
    expect(page.get_by_text(re.compile(r"As of \d\d:\d\d"))).to_be_visible()
    expect(page.locator(".figures .badge", has_text="Delayed")).to_have_count(0)


def test_the_months_charge_grows_below_its_cap_and_on_to_its_projection(console: Consoles, busy: Practice) -> None:
    page = console("/nowhere", who=busy)

    def capped(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        body |= {"cap": {"amount": "100", "currency": body["currency"]}}
        body |= {"projection": {"amount": "88.1", "currency": body["currency"]}}
        # In the middle of the month, so that some of it is to come.
        body |= {"projection_as_of": f"{body['period']}-14T12:00:00Z"}
        route.fulfill(response=response, json=body)

    page.route(re.compile(r"/api/billing$"), capped)
    page.evaluate("location.hash = '/analytics?tab=cost'")
    drawn(page)
    plot = page.get_by_role("application", name=re.compile("^Charge this month. "))
    expect(plot).to_have_attribute(
        "aria-label", re.compile(r"about 88\.10 by its end at this pace, of a cap of 100\.00")
    )
    plot.focus()
    said = plot.get_by_role("status")
    page.keyboard.press("Home")
    expect(said).to_contain_text("Charged USD")
    expect(said).not_to_contain_text("At this pace")
    page.keyboard.press("End")
    expect(said).to_contain_text("At this pace USD 88.10")
    expect(said).not_to_contain_text("no data")
    figure = page.locator("figure", has=plot)
    figure.get_by_role("button", name="Table").click()
    table = figure.get_by_role("group", name="Charge this month as a table")
    expect(table.get_by_role("columnheader")).to_have_text(["Time", "Charged", "At this pace"])
    expect(table.get_by_role("row").last).to_contain_text("USD 88.10")
    assert complaints(page) == []
    charge = page.locator(".tile").filter(has=page.get_by_role("heading", name="Charge", exact=True))
    href = charge.get_by_role("link").first.get_attribute("href") or ""
    assert re.fullmatch(r"#/conversations\?from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d", href)


def test_without_usage_the_page_says_what_is_missing(console: Consoles, stack: Stack) -> None:
    page = console("/analytics", who=Practice(stack, "Quiet Dental"))
    expect(page.get_by_role("heading", name="No usage in this time")).to_be_visible()
    expect(page.get_by_role("link", name="Get the embed code")).to_be_visible()
    page.get_by_role("link", name="Industries").click()
    expect(page.get_by_role("heading", name="No usage in this time")).to_be_visible()


def test_too_few_workspaces_are_the_reason_for_no_benchmark_and_an_own_figure_is_a_dot_on_the_band(
    console: Consoles, busy: Practice
) -> None:
    page = console("/analytics?tab=industries", who=busy)
    expect(page.get_by_text(re.compile("Fewer than 5 workspaces|not available just now")).first).to_be_visible()

    def compared(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        figures = {"error_rate": {"typical": 0.02, "own": 0.021, "position": "similar"}}
        figures["rating"] = {"typical": 4.2, "own": None, "position": None}
        body["items"][0]["benchmark"] = {"state": "compared", "workspaces": 7, "figures": figures}
        route.fulfill(response=response, json=body)

    page.route("**/api/analytics/industries*", compared)
    page.reload()
    expect(page.get_by_text("Similar to what is typical (2.0 %).")).to_be_visible()
    expect(page.locator(".benchmark .own")).to_have_count(1)
    expect(page.get_by_text("of yours nothing was measured")).to_be_visible()
    assert complaints(page) == []


def test_a_failure_stands_in_place_with_its_request_id_and_can_be_tried_again(
    console: Consoles, busy: Practice
) -> None:
    page = console("/nowhere", who=busy)
    problem = {"title": "Not available just now", "status": 503, "detail": "", "code": "unavailable"}
    page.route(
        ANALYTICS,
        lambda route: route.fulfill(
            status=503, content_type="application/problem+json", json={**problem, "request_id": "req12345"}
        ),
    )
    page.evaluate("location.hash = '/analytics'")
    expect(page.get_by_role("alert")).to_contain_text("req12345")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    drawn(page)


def test_a_chart_is_drawn_anew_in_other_colours_and_sizes(console: Consoles, busy: Practice) -> None:
    page = console("/analytics", who=busy)
    drawn(page)
    canvas = page.locator(".plot canvas").first
    light = canvas.evaluate("one => one.toDataURL()")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("light => document.querySelector('.plot canvas').toDataURL() !== light", arg=light)
    page.set_viewport_size({"width": 800, "height": 900})
    page.wait_for_function(
        "() => [...document.querySelectorAll('.plot')].every(one => one.querySelector('canvas').clientWidth <= one.clientWidth)"
    )
    assert sideways(page) <= 0
    assert page.locator(".plot .uplot[aria-hidden=true]").count() == page.locator(".plot canvas").count()
