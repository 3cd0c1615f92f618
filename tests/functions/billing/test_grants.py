"""Credit is conserved to the nano, burns in one order, never goes below zero, and expires as far as it was not used."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.billing.grants import MOST, CreditShort, Grant, GrantKind, Wallet

START = datetime(2026, 11, 1, tzinfo=UTC)


def grant(number: int, kind: GrantKind, nanos: int, granted: int, expires: int | None) -> Grant:
    return Grant(
        grant_id=f"crg_{number}",
        kind=kind,
        amount_nanos=nanos,
        remaining_nanos=nanos,
        granted_at=START + timedelta(hours=granted),
        expires_at=None if expires is None else START + timedelta(hours=expires),
    )


@st.composite
def grants(draw: st.DrawFn) -> list[Grant]:
    return [
        grant(
            number,
            draw(st.sampled_from(list(GrantKind))),
            draw(st.integers(1, 10**12)),
            draw(st.integers(0, 50)),
            draw(st.none() | st.integers(1, 1000)),
        )
        for number in range(draw(st.integers(0, 8)))
    ]


def wallet(found: list[Grant]) -> Wallet:
    made = Wallet()
    for one in found:
        made = made.add(one)
    return made


@given(grants(), st.randoms(use_true_random=False))
def test_the_order_of_adding_does_not_matter_and_the_sum_is_the_account(found: list[Grant], luck: object) -> None:
    shuffled = list(found)
    luck.shuffle(shuffled)  # type: ignore[attr-defined]
    assert wallet(shuffled) == wallet(found)
    fields = wallet(found).fields()
    assert fields["credit_nanos"] == sum(one.amount_nanos for one in found)
    assert Wallet.of(fields, START) == wallet(found)
    assert sum(fields["credit_ends"].values()) == sum(one.amount_nanos for one in found if one.expires_at)


@given(grants(), st.lists(st.integers(0, 10**12), max_size=6), st.booleans())
def test_burning_takes_exactly_that_much_in_order_and_never_more_than_there_is(
    found: list[Grant], amounts: list[int], paid_only: bool
) -> None:
    left = wallet(found)
    for nanos in amounts:
        there = left.paid if paid_only else left.balance
        if nanos > there:
            with pytest.raises(CreditShort):
                left.burn(nanos, paid_only=paid_only)
            continue
        before, (left, parts) = left, left.burn(nanos, paid_only=paid_only)
        assert before.balance - left.balance == nanos == sum(part.nanos for part in parts)
        assert all(one.remaining_nanos > 0 for one in left.grants)
        burnable = [one for one in before.grants if one.paid or not paid_only]
        assert [part.grant_id for part in parts] == [one.grant_id for one in burnable[: len(parts)]]
        # All but the last that is touched are used up.
        assert all(part.nanos == one.remaining_nanos for part, one in zip(parts[:-1], burnable, strict=False))


def test_what_expires_first_burns_first_then_what_was_given_then_the_oldest() -> None:
    found = [
        grant(1, GrantKind.PURCHASED, 1, 0, None),
        grant(2, GrantKind.PROMOTIONAL, 1, 5, None),
        grant(3, GrantKind.PURCHASED, 1, 2, 100),
        grant(4, GrantKind.PROMOTIONAL, 1, 9, 100),
        grant(5, GrantKind.OVERPAYMENT, 1, 1, 100),
        grant(6, GrantKind.PROMOTIONAL, 1, 1, 200),
    ]
    assert [one.grant_id[-1] for one in wallet(found).grants] == ["4", "5", "3", "6", "2", "1"]


@given(grants(), st.integers(0, 1000), st.integers(0, 3 * 10**12))
def test_expiry_takes_what_was_not_used_in_time_and_nothing_the_second_time(
    found: list[Grant], hours: int, used: int
) -> None:
    before = wallet(found)
    as_of = START + timedelta(hours=hours)
    closed = (as_of - timedelta(days=1)).date().isoformat()
    after, parts = before.expire(as_of, closed, lambda day: used)
    over = [one for one in before.grants if one.expires_at and one.expires_at <= as_of and one.last_day <= closed]  # type: ignore[operator]
    assert before.balance - after.balance == sum(part.nanos for part in parts)
    assert sum(part.nanos for part in parts) == max(0, sum(one.remaining_nanos for one in over) - used)
    assert after.expire(as_of, closed, lambda day: used) == (after, ())
    # What is held counts for the room under the cap, and what is over and not held no longer does.
    ends = after.fields()["credit_ends"]
    assert sum(ends.values()) == sum(one.remaining_nanos for one in after.grants if one.expires_at and not one.held)
    everything, _ = after.expire(as_of, closed, lambda day: 0)
    assert everything.balance == before.balance - sum(one.remaining_nanos for one in over)


def test_a_day_that_is_not_closed_lets_nothing_expire() -> None:
    one = wallet([grant(1, GrantKind.PURCHASED, 5, 0, 24)])
    assert one.grants[0].last_day == "2026-11-01"
    assert one.expire(START + timedelta(days=3), "2026-10-31", lambda day: 0) == (one, ())
    assert one.expire(START + timedelta(days=3), "2026-11-01", lambda day: 0)[0] == Wallet()


def test_credit_without_a_grant_is_an_overpayment_and_many_grants_fit_into_one_document() -> None:
    known = Wallet.of({"credit_nanos": 7}, START)
    assert [(one.kind, one.remaining_nanos) for one in known.grants] == [(GrantKind.OVERPAYMENT, 7)]
    many = wallet([grant(n, GrantKind.OVERPAYMENT, 1, n, None) for n in range(MOST + 20)])
    assert (len(many.grants), many.balance) == (MOST, MOST + 20)
    assert many.is_full
