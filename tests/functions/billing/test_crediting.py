"""A credit note has its own number, is booked and filed once, and what it takes off goes where it belongs."""

import json
from datetime import datetime

import pytest

from functions.billing import credit_api_models as api
from functions.billing import crediting, credits
from functions.billing.models import Account
from functions.shared import firestore, storage
from functions.shared.config import settings
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.billing.debts import account, acts, books_hold, credit, operator, pay, refund, stored
from tests.functions.billing.story import FINAL, Story, at, owing


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house)


def test_a_note_reduces_what_is_due_and_its_rows_are_negative(story: Story) -> None:
    (invoice,) = story.invoices()
    note = credit(story, invoice, 300)
    assert credit(story, invoice, 300) == note
    assert (note.number, note.state, note.on_due.amount, note.to_credit.amount) == (
        "TEST-CN-2026-0001",
        "issued",
        "3.00",
        "0.00",
    )
    assert (stored(story, invoice).due_minor, stored(story, invoice).state) == (700, "open")
    assert books_hold(story)[Account.REVENUE] == -7_000_000_000
    rows = [row for row in story.cloud.published("invoice-recorded", story.workspace) if row["number"] == note.number]
    assert [(row["kind"], row["amount_minor"]) for row in rows] == [("credit_note", -300)]
    assert acts(story) == ["invoice.credited"]
    assert credit(story, invoice, 100, key="n2").number == "TEST-CN-2026-0002"


def test_what_was_not_due_any_more_becomes_credit_and_a_note_may_pay_the_invoice(story: Story) -> None:
    (invoice,) = story.invoices()
    pay(story, invoice, 800)
    note = credit(story, invoice, 500)
    assert (note.on_due.amount, note.to_credit.amount) == ("2.00", "3.00")
    assert (stored(story, invoice).state, stored(story, invoice).due_minor) == ("paid", 0)
    assert account(story).credit_nanos == 3_000_000_000
    books_hold(story)
    with pytest.raises(Invalid) as refused:
        credit(story, invoice, 501, key="n2")
    assert refused.value.errors[0]["pointer"] == "/lines/0"
    credit(story, invoice, key="n3")
    assert account(story).credit_nanos == 8_000_000_000
    books_hold(story)


def test_credit_that_was_given_stays_given_when_a_note_gives_it_back(house: Cloud) -> None:
    story = Story(house, made=at("2026-11-30", 9))
    sooner, later = at("2027-05-01"), at("2027-06-01")
    for amount, ends in (("4", sooner), ("3", later)):
        new = api.NewCredit(amount=Money(amount=amount, currency="USD"), reason="Welcome", expires_at=ends)
        credits.grant(operator(story, amount, now=at("2026-11-30", 9)), story.workspace, new)
    story.turn(at("2026-11-30"), charge_nanos=10_000_000_000)
    story.close(FINAL)
    (invoice,) = story.invoices()
    paid = pay(story, invoice, 300)

    def grants() -> dict[tuple[str, datetime | None], int]:
        found: dict[tuple[str, datetime | None], int] = {}
        for one in credits.wallet_of(firestore.get(f"workspaces/{story.workspace}/billing/account"), FINAL).grants:
            what = (one.kind.value, one.expires_at)
            found[what] = found.get(what, 0) + one.remaining_nanos
        return found

    # The customer's own money comes back first, then what was burned last.
    for key, minor in (("n1", 200), ("n2", 200), ("n3", 300)):
        credit(story, invoice, minor, key=key)
        books_hold(story)
    assert grants() == {
        ("promotional", sooner): 1_000_000_000,
        ("promotional", later): 3_000_000_000,
        ("credit_note", None): 3_000_000_000,
    }
    credit(story, invoice, key="n4")
    books_hold(story)
    refund(story, paid.id, None)
    assert (stored(story, invoice).state, stored(story, invoice).due_minor) == ("paid", 0)
    assert {kind for kind, _ in grants()} == {"promotional"}
    assert account(story).credit_nanos == 7_000_000_000
    assert books_hold(story)[Account.CASH] == 0


def test_both_files_are_in_the_archive_for_ever_and_a_stopped_note_is_filed_by_the_close(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    (invoice,) = story.invoices()

    def stops(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(storage, "write_once", stops)
        with pytest.raises(KeyboardInterrupt):
            credit(story, invoice, 300)
    (waiting,) = crediting.of_invoice(story.cloud.call(story.workspace), invoice.invoice_id).items
    assert waiting.state == "finalizing"
    with pytest.raises(Conflict):
        crediting.printed(story.cloud.call(story.workspace), waiting.id)
    story.close(at("2026-12-04"))
    call = story.cloud.call(story.workspace)
    shown, _ = crediting.one(call, waiting.id)
    assert shown.state == "issued"
    assert crediting.printed(call, waiting.id).content.startswith(b"%PDF")
    filed = storage.read(settings().archive_bucket, f"credit-notes/{story.workspace}/{waiting.id}.json")
    assert filed is not None
    assert json.loads(filed)["total_minor"] == 300
    before = firestore.get(f"workspaces/{story.workspace}/credit_notes/{waiting.id}")
    assert credit(story, invoice, 300) == shown
    assert firestore.get(before.path).etag == before.etag
    books_hold(story)


def test_what_is_not_there_or_cannot_be_credited_is_refused(story: Story) -> None:
    (invoice,) = story.invoices()
    call = operator(story, "n")
    line = api.NewNoteLine(line_id=invoice.lines[0].line_id, reason="Wrong")
    with pytest.raises(NotFound):
        crediting.issue(call, story.workspace, "inv_" + "0" * 26, api.NewCreditNote(lines=(line,)))
    euros = line.model_copy(update={"amount": Money(amount="1", currency="EUR")})
    with pytest.raises(Invalid):
        crediting.issue(call, story.workspace, invoice.invoice_id, api.NewCreditNote(lines=(euros,)))
    with pytest.raises(NotFound):
        crediting.one(story.cloud.call(story.workspace), "crn_none")
    with pytest.raises(NotFound):
        crediting.of_invoice(story.cloud.call(story.workspace), "inv_none")
    story.turn(at("2026-12-03"), charge_nanos=1_000_000_000)
    story.close(at("2027-01-01", 0, 10))
    draft = story.invoices()[1]
    with pytest.raises(Conflict):
        credit(story, draft, 1)
