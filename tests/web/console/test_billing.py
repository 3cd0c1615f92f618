"""Billing: the running month, paying by card and back, caps with a conflict, plans, simulation, profile, and who may what."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.console.billed import Billed, wishes
from tests.web.console.conftest import WIDTHS, Consoles, complaints, reach, sideways

TABS = ("overview", "usage", "caps", "plan", "simulate&a=per_unit&b=per_message", "payments", "profile")


def ready(page: Page) -> None:
    expect(page.locator(".skeleton, [aria-busy=true]")).to_have_count(0)


def test_the_month_stands_beside_its_cap_and_says_that_it_is_provisional(console: Consoles, billed: Billed) -> None:
    billed.reader.set_budgets({"cap": {"amount": "50", "currency": "USD"}})
    billing = billed.reader.owner.get("/api/billing")
    page = console("/billing", who=billed.reader)
    expect(page.get_by_role("img", name=re.compile("of 50.00, about"))).to_be_visible()
    expect(page.get_by_text("Provisional").first).to_be_visible()
    page.get_by_text("How the pace is worked out").click()
    expect(page.get_by_text(billing["projection_method"])).to_be_visible()
    expect(page.get_by_role("table", name=re.compile("The bill so far"))).to_contain_text("19.00")
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("table", name="Charge by agent")).to_contain_text("Mia")


def test_by_keyboard_an_invoice_is_paid_by_card_and_the_return_says_so(console: Consoles, billed: Billed) -> None:
    invoice = billed.invoice(billed.payer)
    page = console("/billing", who=billed.payer)
    keys = wishes(page, "/api/payments/checkout")
    pay = page.get_by_role("button", name=f"Pay USD {invoice['due']['amount']}")
    expect(pay).to_be_visible()
    reach(page, f"Pay USD {invoice['due']['amount']}")
    page.keyboard.press("Space")
    dialog = page.get_by_role("dialog", name=f"Pay invoice {invoice['number']}")
    expect(dialog).to_contain_text("Nothing is charged until you confirm there")
    # The first try fails without an answer: what is tried again is the same wish.
    page.route("**/api/payments/checkout", lambda route: route.abort(), times=1)
    confirm = dialog.get_by_role("button", name=f"Pay USD {invoice['due']['amount']}")
    expect(confirm).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("No connection")
    reach(page, f"Pay USD {invoice['due']['amount']}")
    expect(confirm).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cards/checkout/**")
    assert len(set(keys)) == 1
    assert len(keys) == 2
    reach(page, "Pay by card")
    page.keyboard.press("Enter")
    page.wait_for_url("**checkout=paid")
    expect(page.get_by_text(f"USD {invoice['due']['amount']} arrived")).to_be_visible()
    expect(page.get_by_text(f"It was paid on invoice {invoice['number']}")).to_be_visible()
    expect(pay).to_have_count(0)
    reach(page, "Close")
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(r"#/billing$"))
    reach(page, "Payments")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name=re.compile("^Payments"))).to_contain_text("Succeeded")


def test_a_payment_that_was_left_and_one_that_is_refused_cost_nothing(console: Consoles, billed: Billed) -> None:
    page = console("/billing?checkout=cancelled", who=billed.payer)
    expect(page.get_by_text("Nothing was paid")).to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Buy credit").click()
    dialog = page.get_by_role("dialog", name="Buy credit")
    dialog.get_by_label(re.compile("Amount")).fill("1")
    dialog.get_by_role("button", name="Buy credit for USD 1.00").click()
    expect(dialog.locator(".field .error")).to_contain_text("Buy credit for 5")
    dialog.get_by_label(re.compile("Amount")).fill("12,50")
    gone = {"title": "No card", "status": 409, "detail": "No.", "code": "card_payments_off", "request_id": "req12345"}
    page.route("**/api/payments/checkout", lambda route: route.fulfill(status=409, json=gone))
    dialog.get_by_role("button", name="Buy credit for USD 12.50").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Pay by transfer")
    expect(dialog.get_by_role("alert")).to_contain_text("req12345")


def test_caps_are_saved_and_a_change_by_somebody_else_is_chosen_by_field(console: Consoles, billed: Billed) -> None:
    owner = billed.reader
    page = console("/billing?tab=caps", who=owner)
    expect(page.get_by_text("What happens at a cap")).to_be_visible()
    cap = page.get_by_label(re.compile("Cap a month"))
    cap.fill("much")
    page.keyboard.press("Tab")
    expect(page.locator(".field .error")).to_contain_text("Write an amount")
    cap.fill("75")
    page.get_by_label("Tell us at, % of the cap").fill("50, 100")
    expect(page.get_by_text("2 unsaved changes")).to_be_visible()
    owner.set_budgets({"cap": {"amount": "60", "currency": "USD"}})
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Somebody else changed this")
    # Nobody else changed the alerts, so nothing is asked about them.
    expect(dialog.locator("legend")).to_have_text(["Cap of the workspace"])
    expect(dialog).to_contain_text("60")
    expect(dialog).to_contain_text("75")
    dialog.get_by_role("button", name="Save what is chosen").click()
    expect(page.get_by_text("The cap is USD 75.00 from the next turn on")).to_be_visible()
    stored: dict[str, Any] = owner.owner.get("/api/billing/budgets")
    assert (stored["cap"]["amount"], stored["alerts"]) == ("75.00", ["0.5", "1"])


def test_changes_of_different_fields_go_together_without_a_question(console: Consoles, billed: Billed) -> None:
    owner = billed.reader
    owner.set_budgets({"cap": {"amount": "60", "currency": "USD"}, "alerts": ["0.8", "1"]})
    page = console("/billing?tab=caps", who=owner)
    page.get_by_label("Tell us at, % of the cap").fill("40, 100")
    owner.set_budgets({"cap": {"amount": "65", "currency": "USD"}, "alerts": ["0.8", "1"]})
    page.keyboard.press("Control+s")
    expect(page.get_by_text("The cap is USD 65.00 from the next turn on")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_label(re.compile("Cap a month"))).to_have_value("65.00")
    stored: dict[str, Any] = owner.owner.get("/api/billing/budgets")
    assert (stored["cap"]["amount"], stored["alerts"]) == ("65.00", ["0.4", "1"])


def test_a_change_that_others_always_overtake_says_so_and_stays(console: Consoles, billed: Billed) -> None:
    page = console("/billing?tab=caps", who=billed.reader)
    page.get_by_label("Tell us at, % of the cap").fill("30, 100")
    changed = {"title": "Somebody else changed this", "status": 412, "code": "precondition_failed"}
    tries: list[str] = []

    def overtaken(route: Route) -> None:
        if route.request.method != "PUT":
            return route.fallback()
        tries.append(route.request.url)
        return route.fulfill(status=412, content_type="application/problem+json", json=changed)

    page.route("**/api/billing/budgets", overtaken)
    page.keyboard.press("Control+s")
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this")
    expect(page.get_by_role("alert")).to_contain_text("What you typed is still here")
    assert len(tries) == 2
    page.unroute_all()
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert billed.reader.owner.get("/api/billing/budgets")["alerts"] == ["0.3", "1"]


def test_alerts_of_an_agent_without_a_cap_are_not_lost_but_told_at_their_field(
    console: Consoles, billed: Billed
) -> None:
    page = console("/billing?tab=caps", who=billed.reader)
    alerts = page.get_by_label(re.compile("^Alerts, %")).first
    alerts.fill("50")
    page.keyboard.press("Control+s")
    expect(page.locator(".field .error")).to_have_text("An alert needs a cap of its own.")
    expect(alerts).to_be_focused()
    page.get_by_label(re.compile("^Cap, ")).first.fill("20")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("1 unsaved change")).to_have_count(0)
    expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    stored: dict[str, Any] = billed.reader.owner.get("/api/billing/budgets")
    assert list(stored["agent_alerts"].values()) == [["0.5"]]


def test_without_a_connection_what_was_typed_stays(console: Consoles, billed: Billed) -> None:
    page = console("/billing?tab=profile", who=billed.reader)
    page.get_by_label("Name").fill("A name that is typed offline")

    def lost(route: Route) -> None:
        route.abort()

    page.route("**/api/billing/profile", lost)
    page.get_by_role("button", name="Save profile").click()
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    expect(page.get_by_label("Name")).to_have_value("A name that is typed offline")
    page.unroute("**/api/billing/profile", lost)
    page.get_by_label("VAT id").fill("de 123-456.789")
    page.get_by_role("button", name="Save profile").click()
    expect(page.get_by_text("Saved. The next invoice goes there")).to_be_visible()
    stored = billed.reader.owner.get("/api/billing/profile")
    assert (stored["name"], stored["vat_id"]) == ("A name that is typed offline", "DE123456789")


def test_a_plan_says_when_it_begins_and_two_are_simulated_side_by_side(console: Consoles, billed: Billed) -> None:
    page = console("/billing?tab=plan", who=billed.reader)
    page.get_by_role("button", name="Choose Pay as you go").click()
    dialog = page.get_by_role("dialog", name="Choose Pay as you go?")
    expect(dialog).to_contain_text("expected to begin on")
    dialog.get_by_role("button", name="Choose Pay as you go, USD 0.00 a month").click()
    expect(page.get_by_text(re.compile("Pay as you go begins on")).first).to_be_visible()
    page.get_by_role("button", name="Keep Starter").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep Starter").click()
    expect(page.get_by_role("button", name="Choose Pay as you go")).to_be_visible()
    page.get_by_role("link", name="Simulate").first.click()
    expect(page.get_by_role("option", name="gemini-3.5-flash-lite").first).to_be_attached()
    expect(page.get_by_role("option", name=re.compile("embedding"))).to_have_count(0)
    page.locator("select").first.select_option("per_unit")
    page.locator("select").nth(2).select_option("per_message")
    page.get_by_role("button", name="Simulate").click()
    for name in ("Per unit", "Per message"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text(re.compile("instead of USD"))).to_have_count(2)
    expect(page).to_have_url(re.compile("a=per_unit.*b=per_message"))


def test_a_plan_is_chosen_though_the_account_changed_since_it_was_shown(console: Consoles, billed: Billed) -> None:
    page = console("/billing?tab=plan", who=billed.reader)
    page.get_by_role("button", name="Choose Pay as you go").click()
    dialog = page.get_by_role("dialog")
    billed.reader.set_budgets({"cap": {"amount": "70", "currency": "USD"}})
    choose = dialog.get_by_role("button", name="Choose Pay as you go, USD 0.00 a month")
    choose.click()
    expect(dialog.get_by_role("alert")).to_contain_text("It is shown as it is now. Go on if you still want it.")
    choose.click()
    expect(page.get_by_text(re.compile("Pay as you go begins on")).first).to_be_visible()
    page.get_by_role("button", name="Keep Starter").click()
    dialog.get_by_role("button", name="Keep Starter").click()
    expect(page.get_by_role("button", name="Choose Pay as you go")).to_be_visible()


def test_a_viewer_reads_and_is_offered_nothing_that_changes(console: Consoles, billed: Billed) -> None:
    viewer = billed.member(billed.reader, "viewer")
    page = console("/billing", who=viewer)
    expect(page.get_by_role("heading", name=re.compile("Charge in"))).to_be_visible()
    ready(page)
    expect(page.get_by_role("button", name=re.compile("Pay|Buy"))).to_have_count(0)
    page.get_by_role("link", name="Caps and alerts").click()
    expect(page.get_by_label(re.compile("Cap a month"))).to_be_disabled()
    page.get_by_role("link", name="Plan", exact=True).click()
    expect(page.get_by_text("The plan is chosen by an owner.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Choose"))).to_have_count(0)


def test_what_fails_is_told_in_place_with_its_request(console: Consoles, billed: Billed) -> None:
    page = console("/nowhere", who=billed.reader)
    body = {"title": "Not available just now", "status": 503, "detail": "", "code": "unavailable", "request_id": "req1"}
    page.route(re.compile("/api/billing$"), lambda route: route.fulfill(status=503, json=body))
    page.evaluate("location.hash = '/billing'")
    expect(page.get_by_role("alert").first).to_contain_text("Request req1")
    page.unroute_all()
    page.get_by_role("button", name="Try again").first.click()
    expect(page.get_by_role("heading", name=re.compile("Charge in"))).to_be_visible()


@pytest.mark.parametrize(("width", "colours"), list(zip(WIDTHS, ("dark", "light", "light"), strict=True)))
def test_no_tab_has_a_complaint_or_is_wider_than_its_window(
    console: Consoles, billed: Billed, width: int, colours: str
) -> None:
    page = console("/billing", who=billed.reader, width=width, color_scheme=colours)
    for tab in TABS:
        page.evaluate("tab => { location.hash = `/billing?tab=${tab}` }", tab)
        expect(page.locator(".tabs [aria-current=page]")).to_have_attribute(
            "href", re.compile(tab.split("&")[0] if tab != "overview" else "billing$")
        )
        expect(page.locator("main .card").first).to_be_visible()
        ready(page)
        assert (tab, complaints(page)) == (tab, [])
        assert (tab, sideways(page) <= 0) == (tab, True)
