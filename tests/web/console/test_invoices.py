"""Invoices: from the list down to the turn, what they add up to, their evidence, PDF and states."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.console.billed import Billed
from tests.web.console.conftest import WIDTHS, Consoles, complaints, reach, sideways

SETTLED = ".skeleton, [aria-busy=true]"


def ready(page: Page) -> None:
    expect(page.locator(SETTLED)).to_have_count(0)


def test_by_keyboard_from_the_list_to_the_turn(console: Consoles, billed: Billed) -> None:
    invoice = billed.invoice(billed.reader)
    (line, *_) = [one for one in invoice["lines"] if one["kind"] == "usage"]
    turns = billed.reader.owner.get(f"/api/invoices/{invoice['id']}/lines/{line['id']}/events")["items"]
    page = console("/billing/invoices", who=billed.reader)
    expect(page.get_by_role("link", name=invoice["number"])).to_be_visible()
    reach(page, invoice["number"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=line["description"])).to_be_visible()
    reach(page, line["description"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("Turns under"))).to_be_focused()
    expect(page.get_by_text("The turns add up to the line, to the last digit.")).to_be_visible()
    section = page.locator(".turns")
    expect(section.locator("tbody").first.locator("tr")).to_have_count(len(turns))
    expect(section.locator(".sums")).to_contain_text(f"{line['exact']['currency']} {line['exact']['amount']}")
    reach(page, section.locator("tbody").first.get_by_role("link").first.inner_text())
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"#/conversations/{turns[0]['conversation_id']}\?turn={turns[0]['id']}$"))


def test_its_sums_lead_from_the_lines_to_what_is_due(console: Consoles, billed: Billed) -> None:
    invoice = billed.invoice(billed.reader)
    page = console(f"/billing/invoices/{invoice['id']}", who=billed.reader)
    sums = page.get_by_role("table", name=re.compile("From the lines to what is due"))
    for name, amount in (
        ("Monthly price", "19.00"),
        ("Net", invoice["net"]["amount"]),
        ("Total, USD", invoice["total"]["amount"]),
        ("Due, USD", invoice["due"]["amount"]),
    ):
        expect(sums.get_by_role("row", name=re.compile(f"^{name}"))).to_contain_text(amount)
    expect(sums).to_contain_text("Included in the plan")


def test_a_line_that_is_units_times_a_price_says_so_and_others_have_no_such_column(
    console: Consoles, billed: Billed
) -> None:
    invoice = billed.invoice(billed.reader)
    page = console(f"/billing/invoices/{invoice['id']}", who=billed.reader)
    head = page.get_by_role("columnheader", name="Unit price")
    expect(page.get_by_role("columnheader", name="Price book")).to_be_visible()
    expect(head).to_have_count(0)
    (line, *rest) = invoice["lines"]
    priced = {**line, "meter": "messages", "unit_price": {"amount": "0.08", "currency": "USD"}}
    answer = {**invoice, "lines": [priced, *rest]}
    page.route(re.compile(rf"/api/invoices/{invoice['id']}$"), lambda route: route.fulfill(json=answer))
    page.reload()
    expect(head).to_be_visible()
    row = page.get_by_role("row", name=line["description"])
    expect(row.first).to_contain_text("USD 0.08 a message")


def test_evidence_is_verified_and_a_difference_is_shown(console: Consoles, billed: Billed) -> None:
    invoice = billed.invoice(billed.reader)
    page = console(f"/billing/invoices/{invoice['id']}", who=billed.reader)
    page.get_by_role("button", name="Verify evidence").click()
    expect(page.get_by_text("Equal", exact=True)).to_be_visible()
    checked = billed.reader.owner.ask("POST", f"/api/invoices/{invoice['id']}/evidence/verify").json()
    less = {**checked["expected"], "count": checked["expected"]["count"] - 1}
    row = {"where": "day", "name": "2026-11-25", "expected": checked["expected"], "found": less}
    differs = {**checked, "verified": False, "found": less, "differences": [row], "more": 0}
    page.route("**/evidence/verify", lambda route: route.fulfill(status=200, json=differs))
    page.get_by_role("button", name="Verify evidence").click()
    expect(page.get_by_text("Something differs")).to_be_visible()
    expect(page.get_by_role("table", name="What differs")).to_contain_text("2026-11-25")


def test_the_pdf_comes_as_a_file(console: Consoles, billed: Billed) -> None:
    invoice = billed.invoice(billed.reader)
    page = console(f"/billing/invoices/{invoice['id']}", who=billed.reader)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PDF").click()
    assert download.value.suggested_filename == f"{invoice['number']}.pdf"
    assert download.value.path().read_bytes().startswith(b"%PDF")


def test_a_draft_a_filter_without_results_and_an_unknown_invoice_say_what_they_are(
    console: Consoles, billed: Billed
) -> None:
    page = console("/billing/invoices?state=void", who=billed.reader)
    expect(page.get_by_text("No invoice is void")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_role("link", name=billed.invoice(billed.reader)["number"])).to_be_visible()
    page.evaluate("location.hash = '/billing/invoices/inv_00000000000000000000000000'")
    expect(page.get_by_role("alert").first).to_contain_text("There is no such invoice")


def test_where_a_table_is_cut_off_its_amounts_are_in_sight_and_details_are_not(
    console: Consoles, billed: Billed
) -> None:
    page = console("/billing/invoices", who=billed.reader)
    heads = page.locator("thead th")
    expect(heads.nth(2)).to_have_text("Month")
    page.set_viewport_size({"width": 768, "height": 900})
    expect(heads.nth(2)).to_have_text(re.compile("^Total"))
    assert heads.all_inner_texts()[:2] == ["Invoice", "State"]
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(heads.nth(2)).to_have_text("Month")


def test_a_credit_note_is_reached_from_its_invoice(console: Consoles, billed: Billed) -> None:
    invoice = billed.invoice(billed.reader)
    (fee,) = [one for one in invoice["lines"] if one["kind"] == "fee"]
    lines = [{"line_id": fee["id"], "amount": {"amount": "1.00", "currency": "USD"}, "reason": "Goodwill"}]
    note = billed.act(billed.reader, f"invoices/{invoice['id']}/credit-notes", {"lines": lines})
    page = console(f"/billing/invoices/{invoice['id']}", who=billed.reader)
    page.get_by_role("link", name=note["number"]).click()
    expect(page.get_by_role("heading", name=note["number"])).to_be_visible()
    expect(page.get_by_role("table", name="Lines of the credit note")).to_contain_text("Goodwill")
    ready(page)
    assert complaints(page) == []


@pytest.mark.parametrize(("width", "colours"), list(zip(WIDTHS, ("dark", "light", "light"), strict=True)))
def test_an_invoice_with_open_turns_has_no_complaint_and_fits(
    console: Consoles, billed: Billed, width: int, colours: str
) -> None:
    invoice = billed.invoice(billed.reader)
    (line, *_) = [one for one in invoice["lines"] if one["kind"] == "usage"]
    page = console(
        f"/billing/invoices/{invoice['id']}?line={line['id']}", who=billed.reader, width=width, color_scheme=colours
    )
    expect(page.get_by_text("The turns add up")).to_be_visible()
    ready(page)
    assert complaints(page) == []
    assert sideways(page) <= 0
