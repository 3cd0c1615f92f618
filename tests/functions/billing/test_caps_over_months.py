"""Credit that invoices of earlier months will take opens no room in the running one, whatever happens meanwhile (MONEY 9).

Worked examples of each way in which it could be spent twice, then stories of everything at once.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.billing import auditing, closing, voiding
from functions.shared import clock, config, firestore, metering
from functions.shared.errors import CapReached, Unavailable
from functions.shared.metering import Hold
from functions.shared.money import minor_to_nanos
from tests.cloud import Cloud
from tests.functions.billing.caps import CENT, DOLLAR, NOON, Caps
from tests.functions.billing.debts import operator, void
from tests.functions.billing.story import FINAL, at
from tests.functions.billing.test_credits import buy, give

DECEMBER = at("2026-12-01", 0)


@pytest.fixture(autouse=True)
def _no_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared has tests of its own; nobody counts the turns of these stories, which would be told of."""
    monkeypatch.setattr(closing.reconciling, "reconcile", lambda *_: None)


def test_credit_bought_when_a_month_has_begun_pays_the_one_before_first(house: Cloud) -> None:
    caps = Caps(house, cap=50)
    caps.turn(NOON, 50 * DOLLAR)
    caps.turn(at("2026-12-01", 0, 1), DOLLAR)
    buy(caps.story, 5000, "pay_1", now=at("2026-12-01", 0, 5))
    # The month before is not closed: its one line may still be rounded up.
    assert 49 * DOLLAR - 10 * CENT <= caps.room(at("2026-12-01", 0, 5)) <= 49 * DOLLAR
    caps.story.close(at("2026-12-01", 0, 10))
    assert caps.room(at("2026-12-01", 10)) == 49 * DOLLAR
    with pytest.raises(CapReached):
        caps.hold(at("2026-12-01", 10), 98 * DOLLAR)
    caps.turn(at("2026-12-01", 10), 49 * DOLLAR)
    caps.story.close(FINAL)
    (invoice,) = caps.final("2026-11")
    assert (invoice.credit_minor, invoice.due_minor) == (5000, 0)
    now = metering.current(caps.workspace, FINAL)
    assert (now.spent_nanos, now.cap_nanos, now.credit_nanos) == (50 * DOLLAR, 50 * DOLLAR, 0)
    caps.check()


@pytest.mark.parametrize(
    ("plan", "total"),
    [
        ({"monthly_fee": "19", "included": "5"}, 19),
        ({"monthly_fee": "20", "tax_rate": "0.25"}, 35),
        ({"minimum": "30", "reverse_charge": True}, 30),
        ({"monthly_fee": "32", "discount": "0.5"}, 20),
    ],
)
def test_fee_tax_and_minimum_of_the_month_before_are_set_apart_with_its_usage(
    house: Cloud, plan: dict[str, Any], total: int
) -> None:
    caps = Caps(house, cap=0, **plan)
    buy(caps.story, 6000, "pay_1", now=NOON)
    caps.turn(NOON, 8 * DOLLAR if "included" not in plan else 5 * DOLLAR)
    included = 5 * DOLLAR if "included" in plan else 0
    left = (60 - total) * DOLLAR + included
    assert left - 20 * CENT <= caps.room(DECEMBER) <= left
    caps.story.close(at("2026-12-01", 0, 10))
    assert caps.room(at("2026-12-01", 1)) == left
    caps.turn(at("2026-12-01", 1), left)
    caps.story.close(FINAL)
    assert [one.credit_minor for one in caps.final("2026-11")] == [total * 100]
    assert caps.room(FINAL) == 0
    caps.check()


def test_a_month_without_a_turn_owes_its_fee_of_the_credit_all_the_same(house: Cloud) -> None:
    caps = Caps(house, cap=10, monthly_fee="19")
    buy(caps.story, 3000, "pay_1", now=at("2026-12-01", 0, 1))
    assert caps.room(at("2026-12-01", 0, 1)) == 21 * DOLLAR


def test_the_highest_tax_that_may_come_is_set_apart_where_none_was_agreed(
    house: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELLER_COUNTRY", "DE")
    monkeypatch.setenv("SELLER_VAT_ID", "DE123456789")
    config.settings.cache_clear()
    caps = Caps(house, cap=0)
    buy(caps.story, 20_000, "pay_1", now=NOON)
    caps.turn(NOON, 100 * DOLLAR)
    caps.story.close(at("2026-12-01", 0, 10))
    # Until the invoice is final, the customer may still say that they are a consumer in Hungary.
    assert caps.room(at("2026-12-01", 1)) == 73 * DOLLAR
    caps.story.close(FINAL)
    assert [one.credit_minor for one in caps.final("2026-11")] == [11_900]
    assert caps.room(FINAL) == 81 * DOLLAR
    config.settings.cache_clear()


@pytest.mark.parametrize("at_once", [True, False])
def test_what_a_void_gives_back_makes_no_room_while_its_reissue_waits_for_it(house: Cloud, at_once: bool) -> None:
    caps = Caps(house, cap=10, tax_rate="0.2")
    buy(caps.story, 5500, "pay_1", now=NOON)
    caps.turn(NOON, 50 * DOLLAR)
    caps.story.close(FINAL)
    (invoice,) = caps.final("2026-11")
    assert (invoice.credit_minor, invoice.due_minor) == (5500, 500)
    now = at("2026-12-03")
    assert caps.room(now) == 10 * DOLLAR
    if not at_once:
        void(caps.story, invoice)
        assert caps.room(now) == 65 * DOLLAR
    for _ in range(2):
        void(caps.story, invoice, reissue=True)
        assert caps.room(now) == 10 * DOLLAR
    buy(caps.story, 1100, "pay_2", now=now)
    caps.story.close(at("2026-12-03", 23))
    assert caps.room(at("2026-12-03", 23)) == 16 * DOLLAR
    voiding.finalize_by_hand(
        caps.workspace,
        caps.draft().invoice_id,
        at("2026-12-03", 23),
        auditing.audit_finalized(operator(caps.story, now=at("2026-12-03", 23)), caps.workspace, invoice.invoice_id),
    )
    assert [one.credit_minor for one in caps.final("2026-11")] == [6000]
    assert caps.room(at("2026-12-03", 23)) == 16 * DOLLAR
    caps.check()


def test_a_void_that_opens_a_month_sets_apart_what_its_reissue_takes(house: Cloud) -> None:
    caps = Caps(house, cap=10)
    buy(caps.story, 5000, "pay_1", now=NOON)
    caps.turn(NOON, 60 * DOLLAR)
    caps.story.close(FINAL)
    january = at("2027-01-05")
    voiding.void(operator(caps.story, now=january), caps.workspace, caps.final("2026-11")[0].invoice_id, reissue=True)
    assert firestore.get(metering.spend_path(caps.workspace, january)).exists
    assert caps.room(january) == 10 * DOLLAR


def test_a_close_beside_a_void_does_not_forget_what_its_reissue_takes(
    house: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    caps = Caps(house, cap=10)
    buy(caps.story, 5000, "pay_1", now=NOON)
    caps.turn(NOON, 60 * DOLLAR)
    caps.story.close(FINAL)
    (invoice,) = caps.final("2026-11")
    batch = firestore.Batch()
    # So that there is something to write.
    batch.update(metering.spend_path(caps.workspace, FINAL), {("credit_apart_nanos",): 1})
    batch.commit()
    real, done = metering.apart.of_credit, list[int]()

    def looks(*arguments: Any) -> int:
        found = real(*arguments)
        if not done:
            done.append(found)
            void(caps.story, invoice, reissue=True)
        return found

    monkeypatch.setattr(metering.apart, "of_credit", looks)
    metering.set_apart(caps.workspace, FINAL)
    assert done == [0]
    assert caps.room(FINAL) == 10 * DOLLAR


def test_credit_that_ends_before_its_close_pays_the_fee_of_the_month_that_was_over(house: Cloud) -> None:
    """100 until the first at noon: November's 69 is set apart, so the rest is spent, and both are held for."""
    caps = Caps(house, cap=0, monthly_fee="19")
    give(caps.story, "100.00", expires_at=at("2026-12-01", 12), now=NOON)
    caps.turn(NOON, 50 * DOLLAR)
    caps.story.close(at("2026-12-01", 0, 10))
    caps.turn(at("2026-12-01", 1), 31 * DOLLAR)
    assert caps.room(at("2026-12-01", 1)) == 0
    caps.story.close(FINAL)
    assert [(one.credit_minor, one.due_minor) for one in caps.final("2026-11")] == [(6900, 0)]
    assert metering.current(caps.workspace, FINAL).credit_nanos == 31 * DOLLAR
    caps.check()


def test_credit_that_has_ended_is_not_counted_on_to_pay_the_fee(house: Cloud) -> None:
    """100 more than 40 that last end when November's 69 is due: only its 50 of usage is held for, 19 are of the 40."""
    caps = Caps(house, cap=0, monthly_fee="19")
    give(caps.story, "100.00", expires_at=DECEMBER, now=NOON)
    buy(caps.story, 4000, "pay_1", now=NOON)
    caps.turn(NOON, 50 * DOLLAR)
    assert caps.room(DECEMBER) == 0
    caps.story.close(at("2026-12-01", 0, 10))
    assert caps.room(at("2026-12-01", 1)) == 21 * DOLLAR
    caps.turn(at("2026-12-01", 1), 21 * DOLLAR)
    caps.story.close(FINAL)
    assert caps.room(FINAL) == 0
    caps.check()


def test_who_began_before_a_months_end_takes_no_room_once_the_next_has_begun(house: Cloud) -> None:
    late = DECEMBER - timedelta(milliseconds=5)
    for first in (True, False):
        caps = Caps(house, cap=0)
        buy(caps.story, 6000, "pay_1", now=NOON if first else at("2026-12-01", 0, 1))
        caps.turn(at("2026-12-01", 0, 1), 60 * DOLLAR)
        with pytest.raises(Unavailable) as refused:
            caps.hold(at("2026-12-01", 0, 1), DOLLAR, begun=late)
        assert refused.value.code == "cap_busy"
        assert firestore.get(metering.spend_path(caps.workspace, NOON)).data["over"]


def test_what_a_hold_leaves_of_the_month_before_is_room_after_the_close(house: Cloud) -> None:
    caps = Caps(house, cap=0)
    buy(caps.story, 6000, "pay_1", now=NOON)
    begun = DECEMBER - timedelta(seconds=1)
    hold = caps.hold(begun, 40 * DOLLAR)
    caps.turn(DECEMBER, 10 * DOLLAR)
    assert 10 * DOLLAR - 20 * CENT <= caps.room(DECEMBER) <= 10 * DOLLAR
    caps.settle(hold, 5 * DOLLAR, DECEMBER + timedelta(seconds=5))
    caps.story.close(at("2026-12-01", 0, 10))
    assert caps.room(at("2026-12-01", 1)) == 45 * DOLLAR


def test_credit_that_moves_in_the_month_before_moves_in_the_one_that_has_begun(house: Cloud) -> None:
    caps = Caps(house, cap=10)
    caps.turn(NOON, 10 * DOLLAR)
    caps.turn(at("2026-12-01", 0, 1), DOLLAR)
    buy(caps.story, 1200, "pay_1", now=DECEMBER - timedelta(milliseconds=5))
    now = metering.current(caps.workspace, DECEMBER)
    assert now.credit_nanos == 12 * DOLLAR
    assert caps.room(DECEMBER) <= 11 * DOLLAR


Step = tuple[str, int, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("turn"), st.integers(1, 4000), st.sampled_from([0, 50, 100])),
        st.tuples(st.just("keep"), st.integers(1, 4000), st.sampled_from([0, 50, 100])),
        st.tuples(st.just("all"), st.integers(0, 200), st.just(100)),
        st.tuples(st.just("buy"), st.integers(1, 6000), st.sampled_from([0, 0, 1])),
        st.tuples(st.just("give"), st.integers(1, 6000), st.sampled_from([1, 5, 24, 30])),
        st.tuples(st.just("wait"), st.sampled_from([1, 5, 12, 24]), st.just(0)),
        st.tuples(st.just("midnight"), st.just(0), st.just(0)),
        st.tuples(st.just("void"), st.just(0), st.just(0)),
        st.tuples(st.just("issue"), st.just(0), st.just(0)),
    ),
    max_size=8,
)
PLANS = st.sampled_from(
    [
        {},
        {"monthly_fee": "19", "included": "5"},
        {"monthly_fee": "7.005", "tax_rate": "0.19"},
        {"minimum": "25", "discount": "0.1", "tax_rate": "0.077"},
    ]
)


class Life:
    """A workspace over a month's end, step by step; whatever is refused is refused."""

    def __init__(self, house: Cloud, cap: int, plan: dict[str, Any]) -> None:
        self.caps, self.now = Caps(house, cap, **plan), NOON
        self.kept = list[tuple[Hold, int]]()
        self.owed = 0

    def step(self, what: str, amount: int, more: int) -> None:
        self.now += timedelta(seconds=10)
        caps, story = self.caps, self.caps.story
        match what:
            case "turn" | "keep" | "all":
                nanos = amount * CENT + 3
                if what == "all":
                    nanos = max(1, caps.room(self.now) - amount * CENT)
                try:
                    hold = caps.hold(self.now, nanos)
                except (CapReached, Unavailable):
                    return
                if what == "keep":
                    self.kept.append((hold, nanos * more // 100))
                else:
                    caps.settle(hold, nanos * more // 100, self.now)
            case "buy":
                buy(story, amount, f"pay_{self.now.timestamp()}", now=self.now, days=more)
            case "give":
                give(
                    story,
                    f"{amount // 100}.{amount % 100:02d}",
                    expires_at=self.now + timedelta(hours=more),
                    key=f"g{self.now.timestamp()}",
                    now=self.now,
                )
            case "wait":
                self.until(self.now + timedelta(hours=amount))
            case "midnight":
                self.until(clock.start_of_day(clock.next_day(clock.day_of(self.now))) - timedelta(seconds=15))
            case "void":
                for invoice in [one for one in caps.final("2026-11") if one.state == "open"]:
                    # What was due is paid by credit now, though December may have used that before: no more is owed in all.
                    self.owed += min(caps.beyond(self.now), minor_to_nanos(invoice.due_minor, invoice.currency))
                    voiding.void(operator(story, now=self.now), caps.workspace, invoice.invoice_id, reissue=True)
            case _:
                for draft in [one for one in story.invoices() if one.after.replaces and one.state == "draft"][:1]:
                    voiding.finalize_by_hand(
                        caps.workspace,
                        draft.invoice_id,
                        self.now,
                        auditing.audit_finalized(operator(story, now=self.now), caps.workspace, draft.invoice_id),
                    )

    def nights(self, end: datetime) -> Iterator[datetime]:
        night = clock.start_of_day(clock.day_of(self.now)) + timedelta(minutes=10)
        while night <= end:
            if night > self.now:
                yield night
            night += timedelta(days=1)

    def until(self, end: datetime) -> None:
        """Time passes: turns that run come to their end, and each night has its close."""
        if end - self.now > timedelta(seconds=100):
            for hold, charge in self.kept:
                self.caps.settle(hold, charge, min(hold.expires_at - timedelta(seconds=60), end))
            self.kept.clear()
        for night in list(self.nights(end)):
            self.caps.story.close(night)
        self.now = max(self.now, end)


@pytest.mark.timeout(600)  # Each example is the life of two months, close by close.
@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cap=st.sampled_from([0, 10, 40]), plan=PLANS, november=STEPS, draft=STEPS, final=STEPS)
def test_whatever_happens_over_a_months_end_no_month_spends_more_than_cap_and_the_credit_that_pays_for_it(
    house: Cloud, cap: int, plan: dict[str, Any], november: list[Step], draft: list[Step], final: list[Step]
) -> None:
    life = Life(house, cap, plan)
    for steps, end in ((november, DECEMBER - timedelta(seconds=15)), (draft, FINAL), (final, FINAL)):
        for step in steps:
            life.step(*step)
        life.until(max(life.now, end))
    # Until each invoice is final, those that are issued once more too.
    life.until(life.now + timedelta(days=3))
    assert not [one for one in life.caps.story.invoices() if one.after.replaces and one.state == "draft"]
    life.caps.check(life.owed)
