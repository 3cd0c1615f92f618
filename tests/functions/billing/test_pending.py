"""What a provider did not report is told by the operator, once: with its turn it is what the turn would have been."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.billing import ledger, pending, repository
from functions.billing import operator_api_models as api
from functions.billing.models import Account, EntryKind
from functions.shared import clock, contracts, events, firestore, logs, metering, plans, pricing
from functions.shared.contracts import BUCKETS, BillingRead, RollupRead
from functions.shared.errors import Conflict, Invalid, NotFound, Problem
from functions.shared.events import Event
from functions.shared.http import Page
from functions.shared.metering.holds import sealed
from functions.shared.metering.spend import opening
from functions.shared.plans import PlanTerms
from functions.shared.pricing import Usage
from tests.cloud import Cloud
from tests.functions.billing.debts import acts, operator
from tests.functions.billing.making import terms
from tests.functions.billing.story import AGENT, FINAL, NEXT_FINAL, Story, at

TURN = at("2026-11-26")
KNOWN = at("2026-11-27", 12)
UNKNOWN_OUTPUT = {"output_tokens": None, "cost_nanos": 5_000_000, "charge_nanos": 6_000_000}
"""A thousand tokens of input alone, at the offline model's price and a fifth more."""
OUTPUT = {"output_tokens": 200}


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def half_known(story: Story, moment: datetime = TURN, **fields: Any) -> Event:
    """A turn of which everybody has counted what is known."""
    turn = story.turn(moment, **{**UNKNOWN_OUTPUT, **fields})
    story.spend()
    return turn


def report(
    story: Story, turn: str, counts: dict[str, int] = OUTPUT, now: datetime = KNOWN, reason: str = "Bill of November"
) -> api.ReportedUsage:
    told = api.UsageReport(**counts, reason=reason)
    return pending.report(operator(story, now=now), story.workspace, turn, told)


def correction(story: Story, turn: Event) -> Event:
    found = events.read(story.workspace, f"{turn.id}.1")
    assert found is not None
    return found


def listed(story: Story, **query: Any) -> tuple[list[str], str | None]:
    found = pending.page(story.workspace, Page(**query))
    return [one.id for one in found.items], found.next_page_token


def account(story: Story, **fields: Any) -> None:
    batch = firestore.Batch()
    batch.set(repository.account_path(story.workspace), BillingRead(**{"paid_once": True, **fields}).model_dump())
    batch.commit()


def refused(story: Story, turn: str, counts: dict[str, int] = OUTPUT, now: datetime = KNOWN) -> str:
    with pytest.raises(Problem) as problem:
        report(story, turn, counts, now)
    assert events.read(story.workspace, f"{turn}.1") is None or problem.value.code == "usage_reported"
    return problem.value.code


MOMENTS = [datetime(2026, 11, 30, 23, 59, 59, 999999, UTC), datetime(2026, 12, 1, tzinfo=UTC), at("2027-01-02")]
PRICES = [
    price
    for region in (None, "europe-west4")
    for moment in MOMENTS
    for price in pricing.book().prices_at(moment, region)
]
PLANS = [
    *(one.terms() for one in plans.shipped()),
    terms(cost_plus="0.333333333"),
    terms(unit_prices=[{"meter": "output_tokens", "price": "7", "per": 3}, {"meter": "messages", "price": "0.01"}]),
]
tokens = st.integers(0, 5000) | st.integers(190_000, 400_000)


@given(
    price=st.sampled_from(PRICES),
    plan=st.sampled_from(PLANS),
    whole=st.fixed_dictionaries(dict.fromkeys(BUCKETS, tokens)),
    left_out=st.sets(st.sampled_from(BUCKETS), min_size=1),
    first=st.booleans(),
    charged=st.booleans(),
)
def test_a_turn_and_its_correction_are_what_the_turn_would_have_been(
    price: pricing.Price, plan: PlanTerms, whole: dict[str, int], left_out: set[str], first: bool, charged: bool
) -> None:
    def rated(buckets: dict[str, Any]) -> dict[str, int]:
        usage = Usage(**buckets)
        cost = pricing.rate(usage, price)
        charge = plans.charge(usage, cost, plan, model=price.model, conversations=int(first)) if charged else 0
        return {"cost_nanos": cost, "charge_nanos": charge}

    known = {bucket: None if bucket in left_out else count for bucket, count in whole.items()}
    turn = sealed(
        {"event_id": "t1", "type": "turn", "model": price.model, "new_conversation": first, **known, **rated(known)}
    )
    reported = {bucket: whole[bucket] for bucket in left_out}
    made = pending.missing(turn, reported, price, plan if charged else None, KNOWN)
    would_have_been = {**whole, **rated(whole)}
    assert {name: (turn[name] or 0) + made[name] for name in would_have_been} == would_have_been
    assert made["cost_nanos"] >= 0 <= made["charge_nanos"]
    assert (made["event_id"], made["corrects"], made["type"]) == ("t1.1", "t1", "correction")


def test_what_is_reported_is_counted_everywhere_and_nothing_is_pending_any_more(story: Story) -> None:
    turn = half_known(story, estimated=True)
    story.turn(at("2026-11-26", 11))
    assert listed(story) == ([turn.id], None)
    story.cloud.published("usage-recorded", story.workspace)
    answer = report(story, turn.id)
    assert (answer.id, answer.corrects, answer.output_tokens, answer.input_tokens) == (f"{turn.id}.1", turn.id, 200, 0)
    assert (answer.cost.amount, answer.charge.amount) == ("0.004", "0.0048")
    made = correction(story, turn)
    assert [row["event_id"] for row in story.cloud.published("usage-recorded", story.workspace)] == [made.id]
    story.count(made)
    (tally, _), (month, _) = repository.tallies(story.workspace, ["day_2026-11-26", "month_2026-11"], "USD")
    assert tally.total == month.total
    total = tally.total
    assert (total.pending, total.output_tokens, total.messages) == (0, 400, 2)
    assert (total.cost_nanos, total.charge_nanos) == (18_000_000, 21_600_000)
    rollup = firestore.get(contracts.path(story.workspace, "rollups", "month_2026-11")).data
    counted = RollupRead.model_validate(rollup).total
    assert (counted.pending, counted.output_tokens, counted.estimated, counted.turns) == (0, 400, 1, 2)
    story.spend()
    spent = metering.current(story.workspace, TURN)
    assert (spent.spent_nanos, spent.cost_nanos) == (21_600_000, 18_000_000)
    assert listed(story) == ([], None)
    story.close(at("2026-11-28", 0, 10))
    assert story.state().get("differences", {}) == {}


def test_the_same_report_again_is_the_same_answer_and_another_one_is_refused(story: Story) -> None:
    turn = half_known(story)
    first = report(story, turn.id)
    assert report(story, turn.id, now=KNOWN + timedelta(days=1)) == first
    assert refused(story, turn.id, {"output_tokens": 201}) == "usage_reported"
    assert acts(story) == ["usage.reported"]
    (told,) = [
        one.data
        for one in firestore.find(firestore.Query("operator_acts"))
        if one.data["workspace_id"] == story.workspace
    ]
    figures = {"output_tokens": 200, "cost": "0.004", "charge": "0.0048", "currency": "USD"}
    assert (told["action"], told["subject"], told["figures"]) == ("usage.reported", turn.id, figures)
    (entry,) = firestore.find(firestore.Query(contracts.path(story.workspace, "activity")))
    assert (entry.data["name"], entry.data["after"]) == ("Bill of November", figures)
    assert metering.current(story.workspace, TURN).spent_nanos == 10_800_000


def test_of_reports_at_once_one_stands(story: Story) -> None:
    turn = half_known(story)

    def one(count: int) -> str:
        try:
            return report(story, turn.id, {"output_tokens": count}).id
        except Conflict as problem:
            return problem.code

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(one, [200, 300, 200, 300, 400, 500]))
    made = correction(story, turn)
    same = [200, 300, 200, 300, 400, 500].count(made.row["output_tokens"])
    assert sorted(answers) == sorted([made.id] * same + ["usage_reported"] * (6 - same))
    assert metering.current(story.workspace, TURN).cost_nanos == 5_000_000 + made.row["cost_nanos"]
    assert acts(story) == ["usage.reported"]


def test_a_trial_of_a_month_that_is_over_pays_for_nothing_more(story: Story) -> None:
    turn = half_known(story, at("2026-11-30"))
    story.close(FINAL)
    account(story)
    known = at("2026-12-03")
    report(story, turn.id, {"output_tokens": 1_000_000}, known)
    made = correction(story, turn)
    assert made.row["charge_nanos"] == 0
    story.count(made)
    story.close(NEXT_FINAL)
    (entry,) = [one for one in story.entries() if one.kind == EntryKind.USAGE and one.day == "2026-12-03"]
    assert (entry.usage_period, entry.period, entry.output_tokens) == ("2026-11", "2026-12", 1_000_000)
    assert story.state().get("differences", {}) == {}


def test_what_is_reported_after_its_invoice_is_late_usage_on_the_next(story: Story) -> None:
    account(story)
    turn = half_known(story, at("2026-11-30"))
    story.close(FINAL)
    report(story, turn.id, {"output_tokens": 1_000_000}, at("2026-12-03"))
    story.count(correction(story, turn))
    story.close(NEXT_FINAL)
    november, december = sorted(story.invoices(), key=lambda one: one.period)
    (line,) = december.lines
    assert (line.kind, line.usage_period, line.amount_nanos) == ("late_usage", "2026-11", 24_000_000_000)
    assert november.total_minor + december.total_minor == 1 + 2400
    assert ledger.balances(story.entries())[Account.UNBILLED] == 0
    assert story.state().get("differences", {}) == {}


def test_no_cap_is_passed_and_the_cost_is_booked_all_the_same(story: Story) -> None:
    account(story, cap_nanos=8_000_000)
    turn = half_known(story)
    assert report(story, turn.id).charge.amount == "0.002"
    spent = metering.current(story.workspace, TURN)
    assert (spent.spent_nanos, spent.cost_nanos) == (8_000_000, 9_000_000)
    other = Story(story.cloud)
    account(other, agent_caps={AGENT: 1})
    assert report(other, half_known(other).id).charge.amount == "0.000000001"


def test_credit_makes_no_room_in_a_month_that_is_over(house: Cloud) -> None:
    """The months after it have what was left."""
    for moment, opened, expected in (
        (KNOWN, False, "0.0048"),
        (KNOWN, True, "0.00"),
        (at("2026-12-01"), False, "0.00"),
        (at("2026-12-01"), True, "0.00"),
    ):
        story = Story(house)
        account(story, cap_nanos=0, credit_nanos=50_000_000)
        turn = half_known(story)
        if opened:
            opening(story.workspace, "2026-12")
        assert report(story, turn.id, now=moment).charge.amount == expected


def test_a_turn_that_is_not_charged_brings_its_cost_alone(story: Story) -> None:
    nothing = {"input_tokens": None, "cached_input_tokens": None, "reasoning_tokens": None, "cost_nanos": 0}
    ended = clock.to_text(TURN + timedelta(minutes=3))
    swept = half_known(story, outcome="abandoned", charge_nanos=0, recorded_at=ended, **nothing)
    failed = half_known(story, at("2026-11-26", 11), outcome="failed", charge_nanos=0)
    all_four = {**dict.fromkeys(BUCKETS, 0), "input_tokens": 1000, "output_tokens": 200}
    assert refused(story, swept.id, all_four, TURN + timedelta(minutes=63) - timedelta(microseconds=1)) == "may_settle"
    for turn, counts, cost in ((swept, all_four, "0.009"), (failed, OUTPUT, "0.004")):
        answer = report(story, turn.id, counts, TURN + timedelta(minutes=63))
        assert (answer.cost.amount, answer.charge.amount) == (cost, "0.00")
        story.count(correction(story, turn))
    (tally, _) = repository.tallies(story.workspace, ["month_2026-11"], "USD")[0]
    assert (tally.total.pending, tally.total.charge_nanos, tally.total.output_tokens) == (0, 0, 400)


def test_a_late_settlement_that_lacks_a_bucket_can_be_reported_too(story: Story) -> None:
    """It is a correction already; what it lacks is a correction of that."""
    moment = at("2026-11-26", 12)
    late = half_known(story, moment, event_id="t1.1", type="correction", corrects="t1", charge_nanos=0)
    assert listed(story) == ([late.id], None)
    answer = report(story, late.id)
    assert (answer.id, answer.corrects, answer.cost.amount, answer.charge.amount) == ("t1.1.1", "t1.1", "0.004", "0.00")
    assert listed(story) == ([], None)


def test_a_report_says_exactly_what_is_pending(story: Story) -> None:
    turn = half_known(story, reasoning_tokens=None)
    for counts, wrong in (
        ({}, ["/output_tokens", "/reasoning_tokens"]),
        ({"output_tokens": 0}, ["/reasoning_tokens"]),
        ({"output_tokens": 0, "reasoning_tokens": 0, "input_tokens": 1000}, ["/input_tokens"]),
    ):
        with pytest.raises(Invalid) as problem:
            report(story, turn.id, counts)
        assert [one["pointer"] for one in problem.value.errors] == wrong
    assert report(story, turn.id, {"output_tokens": 0, "reasoning_tokens": 0}).charge.amount == "0.00"
    assert listed(story) == ([], None)


def test_what_cannot_be_corrected_is_refused_with_its_reason(story: Story) -> None:
    assert refused(story, story.turn(TURN).id) == "nothing_pending"
    assert refused(story, half_known(story, price_version="1999-01-01").id) == "unknown_price"
    assert refused(story, half_known(story, model="gone").id) == "unknown_price"
    assert refused(story, half_known(story, plan_version="gone-1").id) == "unknown_plan"
    # A plan counts nothing where nothing is charged.
    assert report(story, half_known(story, plan_version="gone-1", outcome="failed", charge_nanos=0).id)
    for name in ("nobody", "a/b", ".."):
        with pytest.raises(NotFound):
            report(story, name)
    turn = half_known(story, at("2026-11-26", 13))
    with pytest.raises(NotFound):
        report(Story(story.cloud), turn.id)
    batch = firestore.Batch()
    batch.update(contracts.workspace_path(story.workspace), {("state",): "erased"})
    batch.commit()
    assert refused(story, turn.id) == "not_found"


def test_the_plan_is_the_one_on_the_event_also_when_another_was_agreed_since(story: Story) -> None:
    turn = half_known(story, plan_version="per_unit-1", charge_nanos=6_000_000)
    assert report(story, turn.id).charge.amount == "0.0048"
    own = terms(cost_plus=None, unit_prices=[{"meter": "output_tokens", "price": "0.01"}])
    account(story, plans=[{"from_month": "2027-01", "plan": own.plan, "plan_terms": own.model_dump(mode="json")}])
    other = half_known(story, at("2026-11-26", 11), plan_version=own.plan_version, charge_nanos=0)
    assert report(story, other.id).charge.amount == "2.00"


def test_the_list_is_read_page_by_page_for_what_is_on_it(story: Story) -> None:
    turns = [half_known(story, at("2026-11-26", hour)).id for hour in range(10, 15)]
    for hour in range(15, 20):
        story.turn(at("2026-11-26", hour))
    with logs.request(request_id="req_test") as operations:
        first, token = listed(story, page_size=2)
    assert first == turns[:2]
    assert dict(operations) == {"firestore_reads": 3}
    second, token = listed(story, page_size=2, page_token=token)
    third, token = listed(story, page_size=2, page_token=token)
    assert (second, third, token) == (turns[2:4], turns[4:], None)
    with pytest.raises(Invalid):
        listed(story, page_token="nonsense")
    (shown,) = pending.page(story.workspace, Page(page_size=1)).items
    assert (shown.output_tokens, shown.input_tokens, shown.occurred_at) == (None, 1000, TURN)
