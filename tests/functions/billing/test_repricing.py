"""Usage under other prices: what the same plan says is what was charged, and parts add up to the whole."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.billing import charges
from functions.billing.models import UsageEvent
from functions.billing.repricing import Comparison, Span, reprice
from functions.shared.money import parse_decimal
from functions.shared.plans import PlanTerms, charge, period_charges
from functions.shared.pricing import Usage, price_at
from tests.functions.billing.making import MONTH, START, TIERED, event, events, plans, terms


def span(found: list[UsageEvent], plan: PlanTerms, **fields: Any) -> Span:
    return Span(
        **{
            "month": MONTH,
            "days": 31,
            "days_of_month": 31,
            "tally": charges.tally(found, "USD"),
            "terms": plan,
            **fields,
        }
    )


def charged(plan: PlanTerms, **fields: Any) -> UsageEvent:
    """A turn that was charged by this plan."""
    turn = event(**fields)
    usage = Usage(**{name: getattr(turn, name) for name in Usage.model_fields})
    amount = charge(usage, turn.cost_nanos, plan, model=turn.model, conversations=int(turn.new_conversation))
    return event(**{**fields, "charge_nanos": amount})


@settings(max_examples=40)
@given(st.lists(st.booleans(), max_size=8), plans)
def test_the_same_plan_comes_to_what_was_charged(news: list[bool], plan: PlanTerms) -> None:
    found = [charged(plan, event_id=str(number), new_conversation=new) for number, new in enumerate(news)]
    total = reprice([span(found, plan)], plan).total
    assert total.usage == total.usage_was
    assert total.net == total.net_was


@settings(max_examples=40)
@given(events(), events(), plans, plans, st.integers(1, 31))
def test_months_and_agents_add_up_to_the_whole(
    one: list[UsageEvent], other: list[UsageEvent], was: PlanTerms, plan: PlanTerms, days: int
) -> None:
    found = reprice([span(one, was, month="2026-11", days=min(days, 30), days_of_month=30), span(other, was)], plan)
    for parts in ([part for _, part in found.months], list(found.agents.values())):
        total = Comparison()
        for part in parts:
            total = total.plus(part)
        assert total == found.total


def test_another_plan_by_hand() -> None:
    """Four messages at 0.5, 0.5, 0.5, 0.9 with a fee of 19, in place of cost plus 20 %."""
    was = terms()
    found = [charged(was, event_id=name, cost_nanos=1_000_000_000) for name in "abcd"]
    plan = terms(cost_plus=None, unit_prices=[TIERED], monthly_fee="19")
    total = reprice([span(found, was)], plan).total
    assert (total.net_was, total.net) == (parse_decimal("4.8"), parse_decimal("21.4"))
    assert total.usage == parse_decimal("3.6")


def test_another_model_has_its_own_cost_and_its_own_unit_price() -> None:
    offline = price_at("offline", "offline-extractive", None, START)
    was = terms()
    found = [
        charged(was, event_id="a", model="gemini-4-argon", cost_nanos=1),
        charged(was, event_id="b", model="gemini-4-argon", cost_nanos=1, agent_id="agt_2"),
    ]
    # 1000 tokens in at 5 and 200 out at 20 a million, plus 20 %: 0.0108 for a turn.
    both = reprice([span(found, was)], None, offline)
    assert both.total.net == 2 * parse_decimal("0.0108")
    one = reprice([span(found, was)], None, offline, "agt_2")
    assert one.agents["agt_1"].net == one.agents["agt_1"].net_was
    assert one.agents["agt_2"].net == parse_decimal("0.0108")
    own = terms(cost_plus=None, unit_prices=[{"meter": "messages", "price": "7", "model": "offline-extractive"}])
    assert reprice([span(found, was)], own, offline).total.net == parse_decimal("14")
    assert reprice([span(found, was)], own).total.net == 0


def test_turns_that_failed_stay_free() -> None:
    was = terms()
    failed = event(event_id="f", outcome="failed", charge_nanos=0, cost_nanos=5_000_000_000)
    plan = terms(cost_plus="1")
    assert reprice([span([failed], was)], plan).total == Comparison()


PER_MESSAGE = terms(cost_plus=None, unit_prices=[{"meter": "messages", "price": "0.01"}])
PER_CONVERSATION = terms(cost_plus=None, unit_prices=[{"meter": "conversations", "price": "0.5"}])
PER_RESOLUTION = terms(cost_plus=None, unit_prices=[{"meter": "resolved_conversations", "price": "0.99"}])
FLAT = terms(cost_plus=None, monthly_fee="5")


@pytest.mark.parametrize("was", [PER_MESSAGE, PER_CONVERSATION, PER_RESOLUTION, FLAT])
def test_answers_that_had_no_price_of_their_own_have_the_other_plans(was: PlanTerms) -> None:
    """Ten answers in one conversation that was resolved, 0.025 each for the provider."""
    found = [
        charged(was, event_id=str(number), new_conversation=number == 0, cost_nanos=25_000_000) for number in range(10)
    ]
    resolved = event(
        event_id="r",
        type="conversation_resolved",
        cost_nanos=0,
        charge_nanos=990_000_000 if was is PER_RESOLUTION else 0,
    )
    own = span([*found, *([resolved] if was is PER_RESOLUTION else [])], was)
    cost_plus = reprice([own], terms())
    assert cost_plus.total.usage == parse_decimal("0.3")
    assert cost_plus.unknown == (frozenset() if was is PER_MESSAGE else {"failed"})
    by_message = reprice([own], PER_MESSAGE)
    assert by_message.total.usage == parse_decimal("0.1")
    assert not by_message.unknown


def test_a_month_that_began_without_prices_counts_from_its_first_day() -> None:
    """Ten answers under a flat fee, then five by their cost: all fifteen, at their cost."""
    later = terms(cost_plus="0.2")
    found = [charged(FLAT, event_id=f"f{number}", cost_nanos=25_000_000) for number in range(10)]
    found += [charged(later, event_id=f"l{number}", cost_nanos=25_000_000) for number in range(5)]
    assert reprice([span(found, later)], terms(cost_plus="0")).total.usage == parse_decimal("0.375")


def test_where_answers_were_free_what_failed_is_taken_too_and_that_is_said() -> None:
    answered = charged(FLAT, event_id="a", cost_nanos=1_000_000_000)
    failed = event(event_id="f", outcome="failed", charge_nanos=0, cost_nanos=5_000_000_000)
    found = reprice([span([answered, failed], FLAT)], terms(cost_plus="0"))
    assert (found.total.usage, found.unknown) == (parse_decimal("6"), {"failed"})
    assert reprice([span([failed], FLAT)], terms(cost_plus="0")).total == Comparison(net_was=parse_decimal("5"))


def test_a_part_of_a_month_bears_its_part_of_the_fixed_amounts() -> None:
    plan = terms(monthly_fee="31", minimum="62")
    found = reprice([span([], plan, days=10)], terms(monthly_fee="15.5"))
    assert (found.total.net_was, found.total.net) == (parse_decimal("20"), parse_decimal("5"))
    assert found.agents == {None: found.total}
    assert found.unknown == {"part_of_a_month"}


def test_a_discount_for_some_months_is_taken_from_the_first_on() -> None:
    plan = terms(monthly_fee="10", discount="0.5", discount_months=1)
    spans = [span([], terms(), month="2026-11"), span([], terms(), month="2026-12")]
    assert [part.net for _, part in reprice(spans, plan).months] == [parse_decimal("5"), parse_decimal("10")]


def test_what_cannot_be_known_is_said() -> None:
    was = terms()
    per_resolution = terms(cost_plus=None, unit_prices=[{"meter": "resolved_conversations", "price": "1"}])
    found = [charged(was, output_tokens=None)]
    assert reprice([span(found, was)], per_resolution).unknown == {"pending", "resolved"}
    flat = terms(cost_plus=None, monthly_fee="5")
    assert reprice([span([event(charge_nanos=0)], flat)], was).unknown == {"failed"}
    assert period_charges(flat, 0, {}).net == parse_decimal("5")
