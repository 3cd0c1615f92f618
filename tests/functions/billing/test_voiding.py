"""An invoice is taken back to the last nano, and its period comes up again only by a reissue, once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from functions.billing import accounts, auditing, closing, credits, finalizing, voiding
from functions.billing import api_models as api
from functions.billing import credit_api_models as credit_api
from functions.billing.models import Account, EntryKind, Invoice
from functions.shared import clock, firestore
from functions.shared.errors import Conflict, NotFound
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.billing.debts import PAID, account, acts, books_hold, credit, operator, pay, stored, void
from tests.functions.billing.making import BY_VOLUME, terms
from tests.functions.billing.story import FINAL, NEXT_FINAL, Story, at, owing


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house, 10_000_000_001)


def first(story: Story) -> Invoice:
    return story.invoices()[0]


def test_a_void_invoice_gives_back_what_was_paid_as_credit(story: Story) -> None:
    pay(story, first(story), 400)
    void(story, first(story))
    void(story, first(story))
    assert (first(story).state, first(story).due_minor) == ("void", 0)
    left = books_hold(story)
    assert (left[Account.UNBILLED], left[Account.REVENUE], left[Account.ROUNDING]) == (0, 0, 0)
    assert account(story).credit_nanos == 4_000_000_000
    assert acts(story) == ["payment.recorded", "invoice.voided"]
    with pytest.raises(Conflict):
        pay(story, first(story), 100)


@contextmanager
def stopped_at_the_third_commit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is done in here dies at its third commit."""
    real, calls = firestore.Batch.commit, []

    def stops(batch: firestore.Batch) -> dict[str, str]:
        calls.append(len(batch))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(batch)

    with monkeypatch.context() as broken:
        broken.setattr(firestore.Batch, "commit", stops)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_a_void_of_many_entries_goes_on_where_it_stopped(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voiding, "PER_COMMIT", 1)
    with stopped_at_the_third_commit(monkeypatch):
        void(story, first(story))
    assert first(story).state == "open"
    with pytest.raises(Conflict):
        pay(story, first(story), 100)
    with pytest.raises(Conflict):
        credit(story, first(story), 100)
    void(story, first(story))
    assert first(story).state == "void"
    assert books_hold(story)[Account.REVENUE] == 0


def test_a_void_that_died_before_anything_was_booked_is_taken_off_the_invoice_by_the_close(
    story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(firestore, "transact", _dies)
        with pytest.raises(KeyboardInterrupt):
            void(story, first(story))
    with pytest.raises(Conflict):
        pay(story, first(story), 100)
    story.close(PAID)
    assert _half_way(capsys) == ["the invoice is as it was"]
    pay(story, first(story), 100)
    story.close(PAID + timedelta(days=1))
    assert _half_way(capsys) == []
    books_hold(story)
    void(story, first(story))
    assert first(story).state == "void"


def test_a_void_that_died_between_its_entries_is_finished_by_the_close(
    story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pay(story, first(story), 400)
    with monkeypatch.context() as small:
        small.setattr(voiding, "PER_COMMIT", 1)
        with stopped_at_the_third_commit(monkeypatch):
            void(story, first(story), reissue=True)
    assert first(story).state == "open"
    for _ in range(2):
        story.close(PAID)
    assert _half_way(capsys) == ["finished"]
    (invoice,) = story.invoices()
    assert (invoice.state, invoice.after.replaced_by, invoice.due_minor) == ("void", None, 0)
    assert books_hold(story)[Account.REVENUE] == 0
    assert account(story).credit_nanos == 4_000_000_000
    entries = firestore.find(firestore.Query(f"workspaces/{story.workspace}/activity"))
    assert [one.data["actor"] for one in entries if one.data["action"] == "invoice.voided"] == ["system"]
    void(story, invoice, reissue=True)
    assert sorted(one.state for one in story.invoices()) == ["draft", "void"]


@pytest.mark.parametrize("calls", [1, 2], ids=["before_the_mark", "after_it"])
def test_a_void_that_is_refused_leaves_an_invoice_that_can_be_paid(
    story: Story, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    real, seen = voiding._given_back, list[int]()

    def refused(*given: Any) -> Any:
        seen.append(1)
        if len(seen) == calls:
            raise Conflict("The credit that this invoice had made is used up.", code="credit_used")
        return real(*given)

    with monkeypatch.context() as refusing:
        refusing.setattr(voiding, "_given_back", refused)
        with pytest.raises(Conflict):
            void(story, first(story))
    assert len(seen) == calls
    pay(story, first(story), 100)
    books_hold(story)


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def _half_way(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What alarms say became of voids that had stopped."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line["outcome"] for line in lines if line["message"] == "a void had stopped half way"]


def test_a_paid_a_credited_and_an_unknown_invoice_cannot_be_voided(story: Story) -> None:
    credit(story, first(story), 100)
    with pytest.raises(Conflict) as refused:
        void(story, first(story))
    assert refused.value.code == "invoice_credited"
    pay(story, first(story), 900)
    with pytest.raises(Conflict):
        void(story, first(story))
    with pytest.raises(NotFound):
        voiding.void(operator(story), story.workspace, "inv_" + "0" * 26)
    books_hold(story)


def test_credit_that_paid_a_void_invoice_is_of_its_kind_again(house: Cloud) -> None:
    story = Story(house)
    ends = at("2027-06-01")
    new = credit_api.NewCredit(amount=Money(amount="3", currency="USD"), reason="Welcome", expires_at=ends)
    credits.grant(operator(story, "g", now=at("2026-11-25", 11)), story.workspace, new)
    story.turn(at("2026-11-26"), charge_nanos=10_000_000_000)
    story.close(FINAL)
    pay(story, first(story), 200)
    void(story, first(story))
    books_hold(story)
    found = credits.wallet_of(firestore.get(f"workspaces/{story.workspace}/billing/account"), PAID).grants
    assert [(one.kind, one.remaining_nanos, one.expires_at) for one in found] == [
        ("promotional", 3_000_000_000, ends),
        ("returned", 2_000_000_000, None),
    ]


def test_a_reissue_bills_the_same_usage_once_more_to_who_pays_now(story: Story) -> None:
    pay(story, first(story), 400)
    profile = accounts.profile(story.cloud.call(story.workspace))[1]
    accounts.set_profile(
        story.cloud.call(story.workspace, if_match=profile),
        api.Profile(name="Linden Dental GmbH", country="DE", vat_id="DE123456789"),
    )
    voided = first(story)
    void(story, voided, reissue=True)
    void(story, voided, reissue=True)
    old, new = sorted(story.invoices(), key=lambda one: one.state != "void")
    assert (old.state, old.after.replaced_by) == ("void", new.invoice_id)
    assert (new.state, new.number, new.after.replaces, new.bill_to.name) == (
        "draft",
        None,
        old.invoice_id,
        "Linden Dental GmbH",
    )
    assert books_hold(story)[Account.REVENUE] == 0
    call = operator(story)
    also = auditing.audit_finalized(call, story.workspace, new.invoice_id)
    for _ in range(2):
        voiding.finalize_by_hand(story.workspace, new.invoice_id, call.now, also)
    issued = stored(story, new)
    # What had been paid on the void one pays the new one.
    assert (issued.number, issued.state, issued.credit_minor, issued.due_minor) == ("TEST-2026-0002", "open", 400, 600)
    assert [line.amount_nanos for line in issued.lines] == [line.amount_nanos for line in old.lines]
    left = books_hold(story)
    assert (left[Account.UNBILLED], left[Account.REVENUE]) == (0, -10_000_000_001)
    again = [one for one in story.entries() if one.kind == EntryKind.REISSUE]
    assert [(one.corrects, one.invoice_id) for one in again] == [(old.lines[0].line_id, new.invoice_id)]
    told = ("billing_profile.changed", "invoice.finalized", "invoice.reissued", "invoice.voided", "payment.recorded")
    assert tuple(sorted(acts(story))) == told
    assert story.archived()[f"invoices/{story.workspace}/{new.invoice_id}.pdf"]


def test_the_close_finalizes_a_reissue_after_its_grace_period_and_goes_on_with_the_next_month(story: Story) -> None:
    void(story, first(story))
    void(story, first(story), reissue=True)
    story.turn(at("2026-12-05"), charge_nanos=1_000_000_000)
    story.close(PAID + timedelta(hours=2))
    assert sorted(one.state for one in story.invoices()) == ["draft", "void"]
    for _ in range(2):
        story.close(NEXT_FINAL)
    numbers = {one.number: (one.period, one.state) for one in story.invoices()}
    assert sorted(numbers) == ["TEST-2026-0001", "TEST-2027-0001", "TEST-2027-0002"]
    assert story.state()["period"] == "2027-01"
    assert books_hold(story, NEXT_FINAL)[Account.UNBILLED] == 0


def test_a_reissue_bills_what_it_did_though_more_of_an_earlier_month_comes_meanwhile(house: Cloud) -> None:
    story = Story(house, made=at("2026-10-30", 9))
    call = story.cloud.call(story.workspace, now=at("2026-10-30", 11), if_match=firestore.ABSENT)
    accounts.choose_plan(call, api.PlanChoice(plan="starter"))
    dollar = 1_000_000_000
    story.turn(at("2026-10-31"), charge_nanos=dollar)
    for day in ("2026-11-01", "2026-11-02"):
        story.close(at(day, 0, 10))
    story.turn(at("2026-10-31", 11), charge_nanos=dollar, recorded_at=clock.to_text(at("2026-11-05")))
    for day in ("2026-12-01", "2026-12-02"):
        story.close(at(day, 0, 10))
    (invoice,) = [one for one in story.invoices() if one.period == "2026-11"]
    void(story, invoice, reissue=True)
    story.turn(at("2026-10-31", 12), charge_nanos=dollar, recorded_at=clock.to_text(PAID))
    for days in range(1, 4):
        # What October's plan includes of the latest turn goes on December's invoice, and stops no close until then.
        story.close(PAID + timedelta(days=days))
    (again,) = [one for one in story.invoices() if one.after.replaces == invoice.invoice_id]
    assert again.state == "open"
    assert [line.amount_nanos for line in again.lines] == [line.amount_nanos for line in invoice.lines]
    story.close(NEXT_FINAL)
    (december,) = [one for one in story.invoices() if one.period == "2026-12"]
    late = [line.amount_nanos for line in december.lines if line.usage_period == "2026-10"]
    assert sorted(late) == [-dollar, dollar]
    assert books_hold(story, NEXT_FINAL)[Account.UNBILLED] == 0


def _november_under(house: Cloud, plan: Any, monkeypatch: pytest.MonkeyPatch, **turn: Any) -> Story:
    """A workspace of November's last day, under this plan, with one turn; its invoice is out and void."""
    monkeypatch.setattr(finalizing, "terms_of", lambda workspace, month: plan)
    story = Story(house, made=at("2026-11-30", 9))
    story.turn(at("2026-11-30"), **turn)
    story.close(FINAL)
    void(story, first(story))
    return story


def _late(story: Story, **turn: Any) -> Invoice:
    """A turn of November that is told in December, and December's invoice."""
    story.turn(at("2026-11-30", 12), recorded_at=clock.to_text(PAID), **turn)
    story.close(PAID + timedelta(hours=2))
    story.close(NEXT_FINAL)
    (december,) = [one for one in story.invoices() if one.period == "2026-12"]
    assert books_hold(story, NEXT_FINAL)[Account.UNBILLED] == 0
    return december


def test_late_usage_of_a_void_month_takes_nothing_off_for_units_that_nobody_was_asked_for(
    house: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.0002 for an output token, 0.0001 for each once there are more than 4,000: November's 3,999 were void."""
    plan = terms(cost_plus=None, unit_prices=[BY_VOLUME])
    story = _november_under(house, plan, monkeypatch, output_tokens=3_999, charge_nanos=3_999 * 200_000)
    december = _late(story, output_tokens=100, charge_nanos=100 * 200_000)
    assert [line.amount_nanos for line in december.lines] == [20_000_000]


def test_late_usage_of_a_void_month_is_not_covered_by_its_minimum_and_bears_no_second_fee(
    house: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    dollar = 1_000_000_000
    plan = terms(monthly_fee="7", minimum="50")
    story = _november_under(house, plan, monkeypatch, charge_nanos=10 * dollar)
    december = _late(story, charge_nanos=5 * dollar)
    of_november = [(line.kind, line.amount_nanos) for line in december.lines if line.usage_period == "2026-11"]
    assert of_november == [("late_usage", 5 * dollar)]


def test_a_month_that_is_issued_again_counts_for_its_late_usage(house: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    dollar = 1_000_000_000
    story = _november_under(house, terms(minimum="50"), monkeypatch, charge_nanos=10 * dollar)
    void(story, first(story), reissue=True)
    december = _late(story, charge_nanos=5 * dollar)
    of_november = sorted(line.amount_nanos for line in december.lines if line.usage_period == "2026-11")
    assert of_november == [-5 * dollar, 5 * dollar]


def test_a_reissue_of_late_usage_stands_though_its_own_month_was_void_meanwhile(
    house: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    dollar = 1_000_000_000
    monkeypatch.setattr(finalizing, "terms_of", lambda workspace, month: terms(included="7"))
    story = Story(house, made=at("2026-11-30", 9))
    story.turn(at("2026-11-30"), charge_nanos=6 * dollar)
    story.turn(at("2026-11-30", 11), charge_nanos=3 * dollar)
    story.close(FINAL)
    december = _late(story, charge_nanos=5 * dollar)
    void(story, first(story))
    void(story, december, reissue=True)
    story.close(NEXT_FINAL + timedelta(days=2))
    (again,) = [one for one in story.invoices() if one.after.replaces == december.invoice_id]
    assert again.state == "open"
    assert [line.amount_nanos for line in again.lines] == [line.amount_nanos for line in december.lines]


def test_a_reissue_may_be_taken_back_and_reissued_like_any_other(story: Story) -> None:
    void(story, first(story), reissue=True)
    for number in (2, 3):
        (draft,) = [one for one in story.invoices() if one.state == "draft"]
        call = operator(story)
        also = auditing.audit_finalized(call, story.workspace, draft.invoice_id)
        voiding.finalize_by_hand(story.workspace, draft.invoice_id, call.now, also)
        assert stored(story, draft).number == f"TEST-2026-000{number}"
        assert books_hold(story)[Account.REVENUE] == -10_000_000_001
        void(story, stored(story, draft), reissue=True)
        assert books_hold(story)[Account.REVENUE] == 0


def test_a_reissue_of_many_lines_goes_on_where_it_stopped(house: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(house)
    for number in range(4):
        story.turn(at("2026-11-26", 10, number), charge_nanos=1_000_000_000, model=f"model-{number}")
    story.close(FINAL)
    void(story, first(story), reissue=True)
    monkeypatch.setattr(voiding, "PER_COMMIT", 1)
    with stopped_at_the_third_commit(monkeypatch):
        closing.close(story.workspace, NEXT_FINAL)
    story.close(NEXT_FINAL)
    again = [one for one in story.entries() if one.kind == EntryKind.REISSUE]
    assert sum(one.amount_nanos for one in again) == 4_000_000_000
    assert books_hold(story, NEXT_FINAL)[Account.UNBILLED] == 0
