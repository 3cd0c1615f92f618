"""The operator's room: who owes what, and every act that moves money with its amount, effect and confirmation."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.console.billed import Billed, wishes
from tests.web.console.conftest import WIDTHS, Consoles, complaints, sideways


def ready(page: Page) -> None:
    expect(page.locator(".skeleton, [aria-busy=true]")).to_have_count(0)


def act(page: Page, on: str, item: str) -> None:
    page.get_by_role("button", name=f"Actions for {on}").click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def test_others_are_not_shown_the_room(console: Consoles, billed: Billed) -> None:
    page = console("/operator", who=billed.reader)
    expect(page.get_by_text("Your account is not an operator’s.")).to_be_visible()
    expect(page.get_by_role("link", name="Operator")).to_have_count(0)


def test_an_invoice_goes_from_draft_to_paid_to_given_back(console: Consoles, billed: Billed) -> None:
    customer = billed.drafted
    draft = billed.invoice(customer)
    page = console("/operator", who=billed.operator)
    page.get_by_role("link", name="Drafted Dental").click()
    expect(page.get_by_role("heading", name="Drafted Dental")).to_be_visible()

    page.get_by_role("button", name=re.compile("Actions for Draft of")).click()
    page.get_by_role("menuitem", name="Finalize").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"USD {draft['total']['amount']}")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name=re.compile("Finalize invoice of")).click()
    expect(dialog).to_have_count(0)
    invoice = billed.invoice(customer)
    assert invoice["state"] == "open"

    act(page, invoice["number"], "Record a payment")
    dialog = page.get_by_role("dialog", name=f"Record a payment for {invoice['number']}")
    dialog.get_by_label(re.compile("Amount")).fill("100")
    expect(dialog).to_contain_text("more than is due becomes credit")
    keys = wishes(page, "/payments")
    page.route("**/payments", lambda route: route.abort(), times=1)
    dialog.get_by_role("button", name="Record payment of USD 100.00").click()
    expect(dialog.get_by_role("alert")).to_contain_text("No connection")
    dialog.get_by_role("button", name="Record payment of USD 100.00").click()
    expect(dialog).to_have_count(0)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    expect(page.get_by_role("table", name="Invoices")).to_contain_text("Paid")

    act(page, "the payment of USD 100.00", "Give back")
    dialog = page.get_by_role("dialog", name="Give a payment back")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_label(re.compile("^Amount")).fill("5")
    page.once("dialog", lambda asked: asked.dismiss())
    page.keyboard.press("Escape")
    give = dialog.get_by_role("button", name="Give back USD 5.00")
    expect(give).to_have_attribute("aria-disabled", "true")
    dialog.get_by_label("Type the amount once more").fill("5")
    give.click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("table", name="Payments")).to_contain_text("Partly refunded")
    (payment,) = customer.owner.get("/api/payments")["items"]
    assert payment["refunded"]["amount"] == "5.00"


def test_void_takes_the_number_typed_and_a_refusal_stands_in_place(console: Consoles, billed: Billed) -> None:
    invoice = billed.invoice(billed.reader)
    page = console(f"/operator/workspaces/{billed.reader.id}", who=billed.operator)
    act(page, invoice["number"], "Void")
    dialog = page.get_by_role("dialog", name=f"Void invoice {invoice['number']}?")
    void = dialog.get_by_role("button", name=f"Void invoice {invoice['number']}")
    expect(void).to_have_attribute("aria-disabled", "true")
    dialog.get_by_label(re.compile("to go on")).fill(invoice["number"])
    state = {"title": "It is paid", "status": 409, "detail": "It is paid.", "code": "invoice_state", "request_id": "r1"}
    page.route("**/void", lambda route: route.fulfill(status=409, json=state))
    void.click()
    expect(dialog.get_by_role("alert")).to_contain_text("It is paid.")
    assert billed.invoice(billed.reader)["state"] == "open"


def test_credit_is_granted_a_note_issued_and_a_workspace_suspended_and_freed(console: Consoles, billed: Billed) -> None:
    customer = billed.reader
    page = console(f"/operator/workspaces/{customer.id}", who=billed.operator)
    page.get_by_role("button", name="Grant credit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(re.compile("Amount")).fill("3")
    dialog.get_by_label("Why").fill("Goodwill")
    dialog.get_by_role("button", name="Grant credit of USD 3.00").click()
    expect(dialog).to_have_count(0)
    assert customer.owner.get("/api/billing")["balance"]["credit"]["amount"] == "3.00"

    invoice = billed.invoice(customer)
    act(page, invoice["number"], "Issue a credit note")
    dialog.get_by_role("checkbox", name=re.compile("monthly")).check()
    dialog.get_by_label(re.compile("Amount for")).fill("2")
    dialog.get_by_label("Why").fill("Too slow")
    dialog.get_by_role("button", name="Credit USD 2.00 before tax").click()
    expect(dialog).to_have_count(0)
    notes = customer.owner.get(f"/api/invoices/{invoice['id']}/credit-notes")["items"]
    assert "2.00" in [note["total"]["amount"] for note in notes]

    page.get_by_role("button", name="Suspend workspace").click()
    dialog.get_by_label("Why").fill("Not paid")
    dialog.get_by_role("button", name="Suspend workspace").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("heading", name="Reader Dental", exact=True).locator("xpath=..")).to_contain_text(
        "Suspended"
    )
    page.get_by_role("button", name="Lift suspension").click()
    dialog.get_by_label("Why").fill("Paid")
    dialog.get_by_role("button", name="Lift suspension").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Suspend workspace")).to_be_visible()


def test_tokens_that_a_provider_left_out_are_listed_and_reported(console: Consoles, billed: Billed) -> None:
    turn = {
        "id": "t1", "agent_id": "agt_1", "occurred_at": "2026-11-26T10:00:00Z", "outcome": "completed",
        "provider": "openai", "model": "local-llama", "region": None, "trace_id": "abc",
        "input_tokens": 1000, "cached_input_tokens": 0, "output_tokens": None, "reasoning_tokens": None,
    }  # fmt: skip
    listed = [turn]

    def report(route: Route) -> None:
        listed.clear()
        money = {"cost": {"amount": "0.004", "currency": "USD"}, "charge": {"amount": "0.0048", "currency": "USD"}}
        counts = {name: turn[name] or 0 for name in turn if name.endswith("_tokens")}
        made = {"id": "t1.1", "corrects": "t1", "recorded_at": turn["occurred_at"], **counts, **money}
        route.fulfill(json=made)

    page = console("/operator", who=billed.operator)
    page.route(re.compile("/pending[?]?"), lambda route: route.fulfill(json={"items": listed, "next_page_token": None}))
    page.route("**/pending/t1", report)
    page.get_by_role("link", name="Reader Dental").click()
    table = page.get_by_role("table", name="Usage not reported")
    expect(table).to_contain_text("Output, reasoning")
    table.get_by_role("button", name=re.compile("Report")).click()
    dialog = page.get_by_role("dialog", name="Report tokens")
    send = dialog.get_by_role("button", name="Report tokens")
    expect(send).to_have_attribute("aria-disabled", "true")
    dialog.get_by_label("Output tokens").fill("200")
    dialog.get_by_label("Reasoning tokens").fill("0")
    dialog.get_by_label("Where they are from").fill("Bill of November")
    with page.expect_request("**/pending/t1") as sent:
        send.click()
    assert sent.value.post_data_json == {"output_tokens": 200, "reasoning_tokens": 0, "reason": "Bill of November"}
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("USD 0.0048 more is charged")).to_be_visible()
    expect(table).to_have_count(0)


def test_a_further_version_of_a_plan_is_published(console: Consoles, billed: Billed) -> None:
    page = console("/operator/plans", who=billed.operator)
    page.get_by_role("button", name="New plan").click()
    dialog = page.get_by_role("dialog", name="New plan")
    for label, text in (("Name", "Clinic"), ("Plan id", "clinic"), ("Version id", "clinic-1")):
        dialog.get_by_label(label).fill(text)
    dialog.get_by_label(re.compile("Monthly price")).fill("29")
    dialog.get_by_role("button", name="Add price").click()
    dialog.get_by_label("How").select_option("graduated")
    dialog.get_by_label("Tiers").fill("1000: 0.05\nmore: 0.04")
    dialog.get_by_label("For one workspace alone").fill(billed.reader.id)
    dialog.get_by_role("button", name="Publish clinic-1").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("USD 29.00 a month")).to_be_visible()
    expect(page.get_by_role("link", name="Reader Dental")).to_be_visible()
    expect(page.get_by_text(billed.reader.id)).to_have_count(0)
    expect(page.get_by_text(re.compile("USD 0.05 up to 1,000"))).to_be_visible()
    ready(page)
    assert complaints(page) == []


@pytest.mark.parametrize(("width", "colours"), list(zip(WIDTHS, ("dark", "light", "light"), strict=True)))
def test_the_room_has_no_complaint_and_fits(console: Consoles, billed: Billed, width: int, colours: str) -> None:
    page = console("/operator", who=billed.operator, width=width, color_scheme=colours)
    expect(page.get_by_role("link", name="Reader Dental")).to_be_visible()
    for path in ("/operator", f"/operator/workspaces/{billed.reader.id}", "/operator/plans"):
        page.evaluate("path => { location.hash = path }", path)
        expect(page.locator("main .card, main .table, main .cards").first).to_be_visible()
        ready(page)
        assert (path, complaints(page)) == (path, [])
        assert (path, sideways(page) <= 0) == (path, True)
