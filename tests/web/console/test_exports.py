"""Exports: a file is asked for, waited for or left, and taken; what goes wrong says so where it happened."""

import csv
import io
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.client import until
from tests.e2e.practice import Practice
from tests.e2e.stack import Stack
from tests.web.console.conftest import WIDTHS, Consoles, complaints, sideways


@pytest.fixture(scope="module")
def busy(stack: Stack) -> Practice:
    """A practice with a turn of today that is counted."""
    practice = Practice(stack, "Linden Dental")
    practice.turn()
    until(60, lambda: practice.turns_counted() >= 1)
    return practice


def problem(status: int, title: str, code: str) -> dict[str, Any]:
    return {"title": title, "status": status, "detail": f"{title}.", "code": code, "request_id": "req12345"}


def test_the_figures_that_are_shown_can_be_exported_by_keyboard_and_downloaded(
    console: Consoles, busy: Practice
) -> None:
    page = console("/analytics?range=7d", who=busy)
    page.get_by_role("link", name="Export").click()
    expect(page).to_have_url(re.compile(r"#/exports\?kind=stats&from=\S+&to=\S+"))
    expect(page.get_by_role("heading", name="No exports yet")).to_be_visible()
    page.get_by_role("combobox", name="What").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Export file").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You can leave this page")).to_be_visible()
    # It goes on while somebody is elsewhere.
    page.evaluate("location.hash = '/status'")
    page.evaluate("location.hash = '/exports'")
    ready = page.get_by_role("row", name=re.compile("Figures by day"))
    expect(ready.get_by_text("Ready")).to_be_visible()
    with page.expect_download() as downloading:
        ready.get_by_role("button", name=re.compile("^Download")).click()
    assert re.fullmatch(r"stats-\d{4}-\d\d-\d\d\.csv", downloading.value.suggested_filename)
    rows = list(csv.DictReader(io.StringIO(downloading.value.path().read_text(encoding="utf-8"))))
    assert {row["dimension"] for row in rows} >= {"agent", "channel"}
    assert {row["turns"] for row in rows if row["dimension"] == "channel"} == {"1"}
    assert complaints(page) == []


def test_kinds_formats_and_spans_are_asked_for_as_they_were_chosen(console: Consoles, busy: Practice) -> None:
    page = console("/exports?range=custom&from=2026-11-01&to=2026-11-03", who=busy)
    asked: list[Any] = []

    def refuse(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        asked.append((route.request.post_data_json, route.request.headers["idempotency-key"]))
        return route.fulfill(status=503, content_type="application/problem+json", json=problem(503, "Away", "away"))

    page.route("**/api/exports", refuse)
    page.get_by_role("combobox", name="What").select_option("transcripts")
    page.get_by_role("combobox", name="Agent").select_option(busy.agent)
    page.get_by_role("button", name="Parquet").click()
    page.get_by_role("button", name="Export file").click()
    expect(page.get_by_role("alert")).to_contain_text("req12345")
    with page.expect_response("**/api/exports"):
        page.get_by_role("button", name="Try again").click()
    (body, key), (again, same) = asked
    # The wish keeps its key until it is fulfilled, and days are whole days of the workspace.
    assert (body, key) == (again, same)
    assert body == {
        "kind": "transcripts",
        "format": "parquet",
        "from": "2026-11-01T00:00:00.000Z",
        "to": "2026-11-04T00:00:00.000Z",
        "agent_id": busy.agent,
    }
    page.get_by_role("combobox", name="What").select_option("workspace")
    expect(page.get_by_text("ZIP", exact=True)).to_be_visible()
    with page.expect_response("**/api/exports"):
        page.get_by_role("button", name="Export workspace").click()
    assert (asked[2][0]["format"], asked[2][0]["agent_id"], asked[2][1] == key) == ("zip", None, False)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_progress_and_failure_stand_at_their_file_at_every_width(
    console: Consoles, busy: Practice, width: int, colours: str
) -> None:
    page = console("/nowhere", who=busy, width=width, color_scheme=colours)
    common = {
        "format": "csv", "from": None, "to": None, "agent_id": busy.agent, "requested_by": "user", "bytes": None,
        "sha256": None, "file_name": "transcripts.csv", "created_at": "2026-11-28T10:00:00Z", "finished_at": None,
        "expires_at": "2026-12-05T10:00:00Z", "error": None,
    }  # fmt: skip
    items = [
        {**common, "id": "exp_1", "kind": "transcripts", "state": "running", "rows": 1200, "rows_expected": 4000},
        {**common, "id": "exp_2", "kind": "ledger", "state": "queued", "rows": 0, "rows_expected": None},
        {**common, "id": "exp_3", "kind": "payments", "state": "failed", "rows": 0, "error": "no_progress"},
    ]
    page.route(re.compile(r"/api/exports\?"), lambda route: route.fulfill(json={"items": items}))
    page.route(re.compile("/api/exports/exp_"), lambda route: route.abort())
    page.evaluate("location.hash = '/exports'")
    expect(page.get_by_role("meter", name="Progress of Transcripts")).to_have_attribute("aria-valuenow", "30")
    expect(page.get_by_text("1,200 rows of about 4,000 rows")).to_be_visible()
    expect(page.get_by_text("try it once more")).to_be_visible()
    expect(page.get_by_text("could not be read just now; they go on")).to_be_visible()
    assert complaints(page) == []
    assert sideways(page) <= 0


def test_three_at_once_are_the_most_and_the_rest_waits(console: Consoles, busy: Practice) -> None:
    page = console("/exports?kind=usage_events", who=busy)

    def full(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        body = problem(429, "Too many requests", "exports_running")
        return route.fulfill(
            status=429, headers={"Retry-After": "60"}, content_type="application/problem+json", json=body
        )

    page.route("**/api/exports", full)
    page.get_by_role("button", name="Export file").click()
    expect(page.get_by_role("alert")).to_contain_text("Try again in")
    expect(page.get_by_role("combobox", name="What")).to_have_value("usage_events")


@pytest.mark.parametrize(("role", "kinds"), [("viewer", None), ("member", 10), ("admin", 12)])
def test_who_may_not_export_is_not_asked_what(console: Consoles, busy: Practice, role: str, kinds: int | None) -> None:
    page = console("/nowhere", who=busy)

    def lower(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "role": role})

    page.route(re.compile("/api/workspace$"), lower)
    page.reload()
    page.evaluate("location.hash = '/exports'")
    if kinds is None:
        expect(page.get_by_text("Exports need the role member")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^Export"))).to_have_count(0)
        page.evaluate("location.hash = '/analytics'")
        expect(page.get_by_role("heading", name="Analytics")).to_be_visible()
        expect(page.get_by_role("link", name="Export", exact=True)).to_have_count(0)
    else:
        expect(page.get_by_role("combobox", name="What").get_by_role("option")).to_have_count(kinds)
