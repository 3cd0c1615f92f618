"""Who did what, in words: the feed, the audit log with each field before and after, its file."""

import csv
import io
import re
from pathlib import Path
from typing import get_args

import pytest
from playwright.sync_api import expect

from functions.agents.handling import State
from tests.e2e.practice import Practice
from tests.web.console.conftest import Consoles, complaints, sideways
from tests.web.console.people import colleague

RAW_ID = re.compile(r"[a-z]_[0-9a-z]{20,}")
ROOT = Path(__file__).parents[3]
KINDS = (
    "agent|checks|knowledge|widget|hand_off|conversation|visitor|budgets|billing_profile|plan|checkout|payment|credit"
    "|invoice|member|invitation|api_key|webhook|workspace|export"
)
NO_ENTRIES = {"hand_off.requested", "invoice.issued", "invoice.overdue", "member.invited", "agent.failing"}
NO_ENTRIES |= {"plan.published"}
"""What is announced by webhook and mail, or stands in the operator's own log, without an entry of this one."""
FIELDS = {"hand_off.state"}
"""What looks like an action and is where a state lies in a document."""


@pytest.fixture(scope="module")
def changed(practice: Practice) -> Practice:
    """A practice in which people changed things."""
    owner = practice.owner
    conversation = practice.turn("Can I talk to a person?").json()["conversation_id"]
    owner.ask("POST", "/api/workspace/api-keys", {"name": "Till", "scopes": ["read"]})
    workspace = "/api/workspace"
    owner.ask("PATCH", workspace, {"retention_days": 90, "time_zone": "Europe/Berlin"}, If_Match=owner.etag(workspace))
    owner.ask("DELETE", f"/api/conversations/{conversation}")
    return practice


def test_every_action_that_is_written_down_has_words() -> None:
    source = (ROOT / "web/console/src/pages/activity/words.ts").read_text(encoding="utf-8")
    worded = set(re.findall(r'^  "([a-z_]+\.[a-z_]+)":', source, re.M))
    written = re.compile(rf'"((?:{KINDS})\.[a-z_]+)"')
    recorded = {
        action
        for file in (ROOT / "functions").rglob("*.py")
        if "activity" in (text := file.read_text(encoding="utf-8")) or "tell(" in text or "audit(" in text
        for action in written.findall(text)
    }
    assert {"workspace.changed", "knowledge.added"} <= recorded | worded
    assert recorded - worded - NO_ENTRIES - FIELDS == set()
    assert {f"{wish}.{state}" for wish in ("hand_off", "lead") for state in get_args(State)} <= worded


def test_the_feed_says_names_and_no_ids_and_its_filter_is_in_the_address(console: Consoles, changed: Practice) -> None:
    page = console("/activity", who=changed)
    feed = page.locator("main")
    for words in ("published the agent Mia", "taught Mia: Practice", "made the API key Till", "erased a conversation"):
        expect(feed).to_contain_text(words)
    assert RAW_ID.search(feed.inner_text()) is None
    page.get_by_label("What kind").select_option("api_key")
    expect(page).to_have_url(re.compile("kind=api_key"))
    expect(feed).not_to_contain_text("published the agent Mia")
    page.get_by_role("link", name="made the API key Till").click()
    expect(page.get_by_role("heading", name="API keys")).to_be_visible()


def test_the_audit_log_shows_each_field_before_and_after_and_is_a_file(console: Consoles, changed: Practice) -> None:
    page = console("/activity?tab=audit&kind=workspace", who=changed)
    row = page.get_by_role("row", name=re.compile("changed .*retention"))
    expect(row).to_contain_text("before UTC → after Europe/Berlin")
    expect(row).to_contain_text("before – → after 90")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(str(download.value.path())).read_text(encoding="utf-8"))))
    assert [entry["action"] for entry in rows] == ["workspace.changed", "workspace.created"]
    page.get_by_label("What kind").select_option("payment")
    page.get_by_role("button", name="Clear filters").first.click()
    expect(page).to_have_url(re.compile(r"/activity\?tab=audit$"))


def test_of_a_long_table_the_rows_near_the_window_are_there(console: Consoles, changed: Practice) -> None:
    page = console("/", who=changed)
    entry = changed.owner.get("/api/audit-log")["items"][0]
    entries = [{**entry, "id": f"entry-{n}", "actor_name": f"Person {n}"} for n in range(1000)]
    page.route("**/api/audit-log?*", lambda route: route.fulfill(json={"items": entries, "next_page_token": None}))
    page.evaluate("location.hash = '/activity?tab=audit'")
    table = page.get_by_role("table", name="Audit log")
    expect(table).to_have_attribute("aria-rowcount", "1001")
    expect(table.get_by_text("Person 0 ")).to_be_visible()
    assert page.locator("tbody tr").count() < 300
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    last = table.get_by_role("row").filter(has_text="Person 999 ")
    expect(last).to_have_attribute("aria-rowindex", "1001")
    expect(last).to_be_visible()
    assert page.locator("tbody tr").count() < 300
    assert complaints(page) == []


def test_what_is_no_day_in_an_address_filters_nothing_and_no_year_has_five_digits(
    console: Consoles, changed: Practice
) -> None:
    for path in ("/activity", "/analytics", "/conversations", "/exports"):
        page = console(f"{path}?range=custom&from=12026-03-01&to=yesterday", who=changed)
        expect(page.get_by_text("This page failed")).to_have_count(0)
        expect(page.locator("main").get_by_role("alert")).to_have_count(0)
    page.evaluate("location.hash = '/activity'")
    day = page.get_by_label("From")
    day.press_sequentially("01012026")
    expect(page).to_have_url(re.compile("from=2026-01-01"))
    expect(day).to_have_attribute("max", re.compile("^9999"))


def test_the_audit_log_is_not_for_members(console: Consoles, changed: Practice) -> None:
    page = console("/activity?tab=audit", who=colleague(changed, "member"))
    expect(page.locator("main")).to_contain_text("joined the workspace")
    expect(page.get_by_role("link", name="Audit log")).to_have_count(0)
    expect(page.get_by_role("button", name="Download CSV")).to_have_count(0)


@pytest.mark.parametrize(("width", "colours"), [(360, "light"), (768, "dark"), (1280, "light")])
def test_activity_has_no_complaint_from_axe_and_fits_its_window(
    console: Consoles, changed: Practice, width: int, colours: str
) -> None:
    page = console("/activity?tab=audit", who=changed, width=width, color_scheme=colours)
    for path in ("/activity?tab=audit", "/activity"):
        page.evaluate(f"location.hash = '{path}'")
        expect(page.get_by_text("erased a conversation").first).to_be_visible()
        assert complaints(page) == []
        assert sideways(page) <= 0
