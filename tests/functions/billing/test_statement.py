"""What a workspace reads is what was counted, to the nano, down to the single turn."""

import pytest

from functions.billing import accounts, invoices, repository, statement
from functions.billing import api_models as api
from functions.billing import invoice_api_models as invoice_api
from functions.billing import payment_api_models as payment_api
from functions.shared import contracts, firestore
from functions.shared.config import settings
from functions.shared.errors import Conflict, NotFound
from functions.shared.http import Page
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.billing.story import AGENT, FINAL, NEXT_FINAL, NIGHT, Story, at
from tests.functions.billing.test_accounts import publish


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def call(story: Story, now=FINAL, **fields):
    return story.cloud.call(story.workspace, now=now, **fields)


def test_a_month_without_a_turn_shows_its_plan_and_zeros(story: Story) -> None:
    shown = statement.billing(call(story))
    assert (shown.period, shown.plan.plan, shown.plan.cost_plus) == ("2026-12", "pay_as_you_go", "0.2")
    assert {shown.charge_so_far.amount, shown.total.amount, shown.balance.due.amount} == {"0.00"}
    assert shown.as_of is None
    assert shown.trial_left == Money(amount="5", currency="USD")


def test_the_running_month_comes_to_what_its_invoice_will_say(story: Story) -> None:
    accounts.choose_plan(call(story, at("2026-11-26"), if_match="0"), api.PlanChoice(plan="starter"))
    story.turn(at("2026-11-26"), charge_nanos=7_000_000_001)
    spend(story, 7_000_000_001)
    shown = statement.billing(call(story, at("2026-11-30", 12)))
    assert shown.charge_so_far.amount == "7.000000001"
    assert (shown.fee.amount, shown.allowance.amount, shown.total.amount) == ("19.00", "5.00", "21.000000001")
    assert shown.usage.messages == 1
    assert (shown.as_of, shown.charge_as_of) == (at("2026-11-26"), at("2026-11-30", 12))
    story.close(FINAL)
    (invoice,) = story.invoices()
    assert invoice.total_minor == 2100
    assert statement.billing(call(story)).balance.due.amount == "21.00"


def test_prices_by_quantity_are_shown_as_the_invoice_will_say(story: Story) -> None:
    """Five messages at 1 by list, the third to fifth for 0.25: 2.75; the minimum of 4 is shown, too."""
    name = publish(story, minimum="4")
    accounts.choose_plan(call(story, at("2026-11-26"), if_match="0"), api.PlanChoice(plan=name))
    for minute in range(5):
        story.turn(at("2026-11-26", 11, minute), charge_nanos=1_000_000_000, plan_version=f"{name}-1")
    spend(story, 5_000_000_000)
    shown = statement.billing(call(story, at("2026-11-27")))
    assert (shown.charge_so_far.amount, shown.tiers.amount, shown.minimum.amount) == ("5.00", "-2.25", "1.25")
    assert shown.total.amount == "4.00"
    (price,) = shown.by_quantity
    assert (price.meter, price.quantity, price.at_list.amount, price.amount.amount) == ("messages", 5, "5.00", "2.75")
    assert "Straight line" in shown.projection_method
    assert shown.projection_as_of == at("2026-11-27")
    story.close(FINAL)
    (invoice,) = story.invoices()
    assert [(line.kind, line.amount_minor) for line in invoice.lines] == [
        ("usage", 500),
        ("tier_adjustment", -225),
        ("minimum", 125),
    ]
    before = story.everything()
    story.close(FINAL)
    assert story.everything() == before


def test_the_tax_follows_from_seller_and_profile(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {"SELLER_COUNTRY": "DE", "SELLER_VAT_ID": "DE123456789"}.items():
        monkeypatch.setenv(variable, value)
    settings.cache_clear()
    story.turn(at("2026-11-26"), charge_nanos=10_000_000_000)
    spend(story, 10_000_000_000)
    _, etag = accounts.set_profile(call(story, if_match="0"), api.Profile(name="Chez", country="FR"))
    assert statement.billing(call(story, at("2026-11-27"))).total.amount == "12.00"
    business = api.Profile(name="Chez", country="FR", vat_id="FRXX123456789")
    accounts.set_profile(call(story, if_match=etag), business)
    reversed_tax = statement.billing(call(story, at("2026-11-27")))
    assert (reversed_tax.total.amount, reversed_tax.reverse_charge) == ("10.00", True)
    story.close(FINAL)
    (invoice,) = story.invoices()
    assert (invoice.tax_minor, invoice.reverse_charge, invoice.total_minor) == (0, True, 1000)
    assert invoice.tax_note is not None
    # What is final stays, whatever the profile says later.
    accounts.set_profile(call(story, if_match=accounts.profile(call(story))[1]), api.Profile(name="Chez", country="FR"))
    story.close(NEXT_FINAL)
    assert story.invoices()[0].tax_note == invoice.tax_note


def spend(story: Story, nanos: int) -> None:
    from functions.shared.metering.spend import opening

    batch = firestore.Batch()
    document = {**opening(story.workspace, "2026-11"), "spent_nanos": nanos, "spent_by_agent": {AGENT: nanos}}
    batch.set(contracts.path(story.workspace, "spend", "2026-11"), document)
    batch.commit()


def test_usage_adds_up_by_agent_model_and_day(story: Story) -> None:
    story.turn(at("2026-11-26"), charge_nanos=3, model="a")
    story.turn(at("2026-11-26", 11), charge_nanos=5, model="b")
    story.turn(at("2026-11-28"), charge_nanos=7, agent_id="agt_9", model="b")
    shown = statement.usage(call(story, at("2026-11-29")), api.UsageQuery())
    total = shown.total.charge.nanos
    for parts in (shown.by_agent, shown.by_model, shown.by_day):
        assert sum(part.charge.nanos for part in parts) == total == 15
    assert [(part.key, part.name) for part in shown.by_agent] == [(AGENT, "Front desk"), ("agt_9", None)] or [
        (part.key, part.charge.nanos) for part in shown.by_agent
    ] == [(AGENT, 8), ("agt_9", 7)]
    assert [part.key for part in shown.by_day] == [f"2026-11-{day:02d}" for day in range(1, 30)]
    assert shown.as_of == at("2026-11-28")


def test_the_price_book_shows_every_version() -> None:
    book = statement.prices()
    offline = [model for version in book.versions for model in version.models if model.provider == "offline"]
    assert [(model.input, model.output, model.demonstration) for model in offline][:1] == [("5", "20", True)]


def test_a_line_opens_to_its_turns_and_their_sum_is_its_amount(story: Story) -> None:
    for day, amount in (("2026-11-26", 1_000_000_007), ("2026-11-26", 2), ("2026-11-28", 30)):
        story.turn(at(day, 9, amount % 60), charge_nanos=amount)
    story.turn(at("2026-11-26", 8), charge_nanos=999, model="other")
    story.close(FINAL)
    late = story.turn(at("2026-11-26", 10), charge_nanos=4_000_000_000, recorded_at="2026-12-03T00:00:00.000000Z")
    story.close(NEXT_FINAL)
    seen: dict[str, int] = {}
    for invoice in story.invoices():
        shown, _ = invoices.one(story.workspace, invoice.invoice_id)
        for line in shown.lines:
            events = pages(story, invoice.invoice_id, line.id)
            assert sum(event.charge.nanos for event in events) == line.exact.nanos
            assert len(events) == line.count
            seen |= {event.id: event.charge.nanos for event in events}
    assert len(seen) == 5
    assert seen[late.id] == 4_000_000_000


def pages(story: Story, invoice: str, line: str) -> list[invoice_api.LineEvent]:
    found: list[invoice_api.LineEvent] = []
    token = None
    while True:
        page = invoices.line_events(call(story), invoice, line, Page(page_size=2, page_token=token))
        found += page.items
        token = page.next_page_token
        if token is None:
            return found


def test_a_pdf_is_served_as_it_was_filed(story: Story) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    story.close(NIGHT)
    own = story.invoices()[0].invoice_id
    with pytest.raises(Conflict):
        invoices.printed(call(story), own)
    story.close(FINAL)
    printed = invoices.printed(call(story), own)
    assert printed.content == list(story.archived().values())[1]
    assert "TEST-2026-0001" in printed.headers["Content-Disposition"]
    with pytest.raises(NotFound):
        invoices.printed(call(Story(story.cloud)), own)


def test_invoices_and_payments_are_listed_in_pages(story: Story) -> None:
    for month in ("2026-11-26", "2026-12-26", "2027-01-26"):
        story.turn(at(month), charge_nanos=1_000_000_000)
    story.close(at("2027-02-01", 0, 10))
    assert [one.period for one in listed(story)] == ["2027-01", "2026-12", "2026-11"]
    assert [one.period for one in listed(story, state="draft")] == ["2027-01"]
    assert invoices.payments(call(story).workspace, payment_api.PaymentsQuery()).items == []
    owned = story.invoices()[0].invoice_id
    assert invoices.payments(call(story).workspace, payment_api.PaymentsQuery(invoice_id=owned)).items == []


def listed(story: Story, state: str | None = None) -> list[invoice_api.InvoiceSummary]:
    found: list[invoice_api.InvoiceSummary] = []
    token = None
    while True:
        page = invoices.page(
            call(story).workspace, invoice_api.InvoicesQuery(page_size=1, page_token=token, state=state)
        )
        found += page.items
        token = page.next_page_token
        if token is None:
            return found


def test_other_folders_can_read_an_invoice(story: Story) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    story.close(FINAL)
    (found,) = repository.invoices_in(story.workspace, story.invoices()[0].state)
    read = contracts.InvoiceRead.model_validate(found.data)
    assert (read.number, read.total_minor, read.due_minor) == ("TEST-2026-0001", 100, 100)
