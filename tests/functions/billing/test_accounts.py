"""A workspace chooses its plan and caps; they count at once, or from the next month where a fee would be escaped."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from functions.billing import accounts, statement
from functions.billing import api_models as api
from functions.shared import contracts, firestore, metering
from functions.shared.errors import Invalid
from functions.shared.http import Call
from functions.shared.identity import Caller
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.billing.story import AGENT, FINAL, Story, at, row

NOW = at("2026-11-26", 12)


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def call(story: Story, etag: str = firestore.ABSENT, now: Any = NOW) -> Call:
    return story.cloud.call(story.workspace, now=now, if_match=etag)


def hold(story: Story, moment: Any = NOW) -> None:
    """A first turn opens the month's spend document."""
    path = metering.spend_path(story.workspace, moment)
    found = firestore.get(path)
    beginning = {**row(story.workspace, moment), "event_id": "t"}
    ask = metering.Hold("t", AGENT, False, 1, moment, moment, beginning)
    batch = firestore.Batch()
    metering.reserve(batch, story.workspace, found, metering.terms_of(story.workspace, found), ask, moment)
    batch.commit()


def _first(monkeypatch: pytest.MonkeyPatch, what: Callable[[], None]) -> None:
    """What happens after a change has read and before it is committed."""
    written = metering.write_terms

    def comes_first(*arguments: Any, **named: Any) -> None:
        written(*arguments, **named)
        what()

    monkeypatch.setattr(metering, "write_terms", comes_first)


def usd(amount: str) -> Money:
    return Money(amount=amount, currency="USD")


def test_budgets_hold_for_the_running_month_and_every_later_one(story: Story) -> None:
    hold(story)
    shown, etag = accounts.budgets(call(story))
    assert (shown.cap, shown.visitor_hour_share, etag) == (None, "0.1", firestore.ABSENT)
    change = api.BudgetsChange(cap=usd("25"), agent_caps={AGENT: usd("5")}, visitor_hour_share="0.205")
    shown, etag = accounts.set_budgets(call(story), change)
    assert accounts.budgets(call(story)) == (shown, etag)
    for moment in (NOW, at("2026-12-02")):
        spend = metering.current(story.workspace, moment)
        assert (spend.cap_nanos, spend.agent_caps) == (25_000_000_000, {AGENT: 5_000_000_000})
    found = firestore.get(metering.spend_path(story.workspace, NOW)).data
    assert (found["visitor_hour_permille"], found["visitor_day_permille"]) == (205, 250)
    (told,) = firestore.find(firestore.Query(contracts.path(story.workspace, "activity")))
    assert (told.data["action"], told.data["after"]["cap"]["amount"]) == ("budgets.changed", "25.00")


def test_alerts_are_chosen_for_the_cap_and_for_agents_with_one(story: Story) -> None:
    shown, _ = accounts.budgets(call(story))
    assert (shown.alerts, shown.agent_alerts) == (["0.8", "1"], {})
    other = "agt_" + "9" * 26
    change = api.BudgetsChange(
        cap=usd("25"),
        agent_caps={AGENT: usd("5")},
        alerts=("1", "0.5", "0.905"),
        agent_alerts={AGENT: ("0.25",), other: ("0.5",)},
    )
    shown, _ = accounts.set_budgets(call(story), change)
    assert (shown.alerts, shown.agent_alerts) == (["0.5", "0.905", "1"], {AGENT: ["0.25"]})
    spend = metering.current(story.workspace, NOW)
    assert (spend.alerts, spend.agent_alerts) == ((500, 905, 1000), {AGENT: (250,)})
    for refused in (("0",), ("1.1",), ("0.5", "0.50"), ("0.0005",)):
        with pytest.raises(ValueError, match="share"):
            api.BudgetsChange(cap=None, alerts=refused)


def test_what_a_lower_cap_has_reached_already_is_told_with_the_change(story: Story) -> None:
    hold(story)
    spend = metering.spend_path(story.workspace, NOW)
    batch = firestore.Batch()
    batch.update(spend, {("spent_nanos",): 9_000_000_000})
    batch.commit()
    _, etag = accounts.set_budgets(call(story), api.BudgetsChange(cap=usd("100")))
    assert story.cloud.published("notifications", story.workspace) == []
    accounts.set_budgets(call(story, etag), api.BudgetsChange(cap=usd("10")))
    (told,) = story.cloud.published("notifications", story.workspace)
    assert told["type"] == "cap.alert"
    assert (told["facts"]["share_percent"], told["facts"]["spent"], told["facts"]["cap"]) == (80, "9.00", "10.00")


def test_a_turn_that_read_the_old_cap_cannot_open_the_month_with_it(story: Story) -> None:
    path = metering.spend_path(story.workspace, NOW)
    found = firestore.get(path)
    old = metering.terms_of(story.workspace, found)
    accounts.set_budgets(call(story), api.BudgetsChange(cap=usd("0.01")))
    ask = metering.Hold("t", AGENT, False, 1, NOW, NOW, {**row(story.workspace, NOW), "event_id": "t"})
    batch = firestore.Batch()
    metering.reserve(batch, story.workspace, found, old, ask, NOW)
    with pytest.raises(firestore.AlreadyExists):
        batch.commit()
    assert metering.current(story.workspace, NOW).cap_nanos == 10_000_000


def test_a_change_beside_a_months_first_turn_is_told_to_read_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    _first(monkeypatch, lambda: hold(story))
    with pytest.raises(firestore.Changed):
        accounts.set_budgets(call(story), api.BudgetsChange(cap=usd("0.01")))
    monkeypatch.undo()
    shown, _ = accounts.set_budgets(call(story), api.BudgetsChange(cap=usd("0.01")))
    assert shown.cap == usd("0.01")
    assert metering.current(story.workspace, NOW).cap_nanos == 10_000_000


def test_a_stale_change_of_budgets_changes_nothing(story: Story) -> None:
    change = api.BudgetsChange(cap=usd("25"))
    accounts.set_budgets(call(story), change)
    with pytest.raises(firestore.Changed):
        accounts.set_budgets(call(story), api.BudgetsChange(cap=usd("99")))
    assert accounts.budgets(call(story))[0].cap == usd("25")


@pytest.mark.parametrize(
    "change",
    [
        {"cap": Money(amount="5", currency="EUR")},
        {"cap": Money(amount="-5", currency="USD")},
        {"cap": None, "agent_caps": {"agt_" + "9" * 26: Money(amount="5", currency="USD")}},
        {"cap": None, "agent_caps": {"nobody": Money(amount="5", currency="USD")}},
    ],
)
def test_caps_that_make_no_sense_are_refused(story: Story, change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        accounts.set_budgets(call(story), api.BudgetsChange(**change))


def test_a_dearer_plan_begins_at_once_and_a_cheaper_one_with_the_next_month(story: Story) -> None:
    hold(story)
    shown, etag = accounts.choose_plan(call(story), api.PlanChoice(plan="starter"))
    assert (shown.current.plan, shown.next) == ("starter", None)
    assert metering.current(story.workspace, NOW).allowance_nanos == 5_000_000_000
    shown, etag = accounts.choose_plan(call(story, etag), api.PlanChoice(plan="pay_as_you_go"))
    assert (shown.current.plan, shown.next.plan, shown.next_from_month) == ("starter", "pay_as_you_go", "2026-12")
    assert metering.current(story.workspace, NOW).plan_terms["plan"] == "starter"
    assert metering.current(story.workspace, at("2026-12-02")).plan_terms["plan"] == "pay_as_you_go"
    shown, _ = accounts.choose_plan(call(story, etag), api.PlanChoice(plan="starter"))
    assert (shown.current.plan, shown.next) == ("starter", None)


def test_an_unknown_plan_is_refused(story: Story) -> None:
    with pytest.raises(Invalid):
        accounts.choose_plan(call(story), api.PlanChoice(plan="gold"))


def test_a_fee_and_its_allowance_are_billed_as_they_were_shown(story: Story) -> None:
    hold(story, at("2026-11-25"))
    accounts.choose_plan(call(story), api.PlanChoice(plan="starter"))
    story.turn(NOW, charge_nanos=7_000_000_000)
    story.close(FINAL)
    (invoice,) = story.invoices()
    assert [(line.kind, line.amount_minor) for line in invoice.lines] == [
        ("usage", 700),
        ("fee", 1900),
        ("allowance", -500),
    ]


def test_a_plan_chosen_in_december_is_not_billed_for_november(story: Story) -> None:
    accounts.choose_plan(call(story, now=at("2026-12-01", 5)), api.PlanChoice(plan="starter"))
    story.close(FINAL)
    assert story.invoices() == []
    assert statement.billing(call(story, now=at("2026-12-05"))).fee == usd("19")


def test_a_customer_reads_their_countrys_language_until_they_choose_another(story: Story) -> None:
    shown, etag = accounts.profile(call(story))
    assert shown.locale == "de-DE"
    chosen, etag = accounts.set_profile(call(story, etag), api.Profile(name="Dental", country="CH", locale="fr-CH"))
    assert chosen.locale == "fr-CH"
    back, _ = accounts.set_profile(call(story, etag), api.Profile(name="Dental", country="PL"))
    assert back.locale == "pl-PL"
    with pytest.raises(ValidationError, match="invoices are written in"):
        api.Profile(name="Dental", locale="ja")


def test_the_profile_is_on_the_next_invoice(story: Story) -> None:
    shown, etag = accounts.profile(call(story))
    assert (shown.name, etag) == ("Test", firestore.ABSENT)
    new = api.Profile(name="Dental s.r.o.", address=("Hlavní 5", "Praha"), country="CZ", vat_id="CZ12345678")
    shown, etag = accounts.set_profile(call(story), new)
    assert accounts.profile(call(story)) == (shown, etag)
    story.turn(NOW, charge_nanos=7_000_000_000)
    story.close(FINAL)
    (invoice,) = story.invoices()
    assert (invoice.bill_to.name, invoice.bill_to.country) == ("Dental s.r.o.", "CZ")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"country": "DE", "vat_id": "DE12345"}, "/vat_id"),
        ({"country": "DE", "vat_id": "FRXX123456789"}, "/vat_id"),
        ({"vat_id": "DE123456789"}, "/country"),
    ],
)
def test_a_vat_id_is_one_of_its_country(story: Story, fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.set_profile(call(story), api.Profile(name="X", **fields))
    assert refused.value.errors[0]["pointer"] == pointer
    assert not firestore.get(contracts.path(story.workspace, "billing", "profile")).exists


def publish(story: Story, **fields: Any) -> str:
    """A plan of prices by quantity, published long ago; its name."""
    from functions.billing import publishing
    from functions.billing.plan_models import NewPlan

    name = f"tiers_{str(story.workspace)[-12:]}".lower()
    plan: dict[str, Any] = {
        "plan": name,
        "plan_version": f"{name}-1",
        "name": "Tiers",
        "effective_from": at("2026-11-20"),
        "currency": "USD",
        "unit_prices": [
            {
                "meter": "messages",
                "scheme": "graduated",
                "tiers": [{"up_to": 2, "price": "1"}, {"price": "0.25"}],
            }
        ],
        "workspace_id": str(story.workspace),
    } | fields
    operator = story.cloud.call(story.workspace, now=at("2026-11-15"), kind=Caller.OPERATOR, operator=True)
    return publishing.publish(operator, NewPlan(**plan)).terms.plan


def test_prices_by_quantity_count_whole_months(story: Story) -> None:
    name = publish(story)
    hold(story)
    shown, etag = accounts.choose_plan(call(story), api.PlanChoice(plan=name))
    assert (shown.current.plan, shown.next.plan, shown.next_from_month) == ("pay_as_you_go", name, "2026-12")
    hold(story, at("2026-12-02"))
    shown, etag = accounts.choose_plan(call(story, etag, at("2026-12-03")), api.PlanChoice(plan="starter"))
    assert (shown.current.plan, shown.next_from_month) == (name, "2027-01")


@pytest.mark.parametrize(
    "terms",
    [
        {"unit_prices": [{"meter": "messages", "price": "0.04"}], "included_units": {"messages": 10**12}},
        {
            "unit_prices": [
                {"meter": "messages", "scheme": "graduated", "tiers": [{"up_to": 2, "price": "1"}, {"price": "0.01"}]}
            ]
        },
    ],
    ids=["as good as all is included", "most is far below list"],
)
def test_a_cap_and_a_plan_without_a_bound_leave_room_that_can_be_stored(story: Story, terms: dict[str, Any]) -> None:
    plan = publish(story, monthly_fee="49", **terms)
    call = story.cloud.call(story.workspace, now=at("2026-11-25", 11), if_match=firestore.ABSENT)
    _, etag = accounts.choose_plan(call, api.PlanChoice(plan=plan))
    high = api.BudgetsChange(cap=Money(amount="9000000000", currency="USD"))
    accounts.set_budgets(story.cloud.call(story.workspace, now=at("2026-11-25", 11), if_match=etag), high)
    running = metering.current(story.workspace, at("2026-11-26"))
    assert running.cap_nanos == 9_000_000_000 * 1_000_000_000
    assert running.allowance_nanos > 10**18


def _uses(story: Story, nanos: int) -> None:
    """Turns of so much at list."""
    batch = firestore.Batch()
    batch.update(metering.spend_path(story.workspace, NOW), {("spent_nanos",): firestore.Increment(nanos)})
    batch.commit()


@pytest.mark.parametrize(("dollars", "month"), [(10, "2026-11"), (15, "2026-12")])
def test_a_plan_that_includes_less_waits_where_the_month_would_pass_its_cap(
    story: Story, dollars: int, month: str
) -> None:
    """A cap of 10: starter includes 5 more, so 15 at list; nothing of that is included in a price by the message."""
    _, etag = accounts.choose_plan(call(story), api.PlanChoice(plan="starter"))
    _, etag = accounts.set_budgets(call(story, etag), api.BudgetsChange(cap=usd("10")))
    _uses(story, dollars * 1_000_000_000)
    plan = publish(story, monthly_fee="49", unit_prices=[{"meter": "messages", "price": "0.04"}])
    shown, _ = accounts.choose_plan(call(story, etag), api.PlanChoice(plan=plan))
    assert (shown.next_from_month or shown.from_month) == month


def test_a_turn_beside_the_choice_of_a_plan_that_includes_less_is_looked_at_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, etag = accounts.choose_plan(call(story), api.PlanChoice(plan="starter"))
    _, etag = accounts.set_budgets(call(story, etag), api.BudgetsChange(cap=usd("10")))
    plan = publish(story, monthly_fee="49", unit_prices=[{"meter": "messages", "price": "0.04"}])
    _first(monkeypatch, lambda: _uses(story, 15_000_000_000))
    with pytest.raises(firestore.Changed):
        accounts.choose_plan(call(story, etag), api.PlanChoice(plan=plan))
    monkeypatch.undo()
    shown, _ = accounts.choose_plan(call(story, etag), api.PlanChoice(plan=plan))
    assert (shown.current.plan, shown.next_from_month) == ("starter", "2026-12")


def test_a_month_in_which_nothing_was_used_can_begin_with_prices_by_quantity(story: Story) -> None:
    name = publish(story)
    shown, etag = accounts.set_budgets(call(story), api.BudgetsChange(cap=usd("10")))
    shown, etag = accounts.choose_plan(call(story, etag), api.PlanChoice(plan=name))
    assert (shown.current.plan, shown.next) == (name, None)
    # 10 buys 2 at 1 and 32 at 0.25, which are 34 at list.
    assert metering.current(story.workspace, NOW).allowance_nanos == 24_000_000_000
    accounts.set_budgets(call(story, etag), api.BudgetsChange(cap=usd("2")))
    assert metering.current(story.workspace, NOW).allowance_nanos == 0


def test_a_turn_that_begins_beside_the_choice_keeps_its_plan(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    name = publish(story)
    _, etag = accounts.set_budgets(call(story), api.BudgetsChange(cap=None))
    _first(monkeypatch, lambda: hold(story))
    with pytest.raises(firestore.Changed):
        accounts.choose_plan(call(story, etag), api.PlanChoice(plan=name))
    monkeypatch.undo()
    shown, _ = accounts.choose_plan(call(story, etag), api.PlanChoice(plan=name))
    assert (shown.current.plan, shown.next_from_month) == ("pay_as_you_go", "2026-12")


def test_coming_back_to_a_plan_does_not_begin_its_discount_anew(story: Story) -> None:
    name = publish(story, unit_prices=[], cost_plus="0.1", discount="0.5", discount_months=2)
    shown, etag = accounts.choose_plan(call(story), api.PlanChoice(plan=name))
    assert shown.current.discount_until == "2026-12"
    shown, etag = accounts.choose_plan(call(story, etag), api.PlanChoice(plan=name))
    assert (shown.current.discount_until, shown.next) == ("2026-12", None)
    for plan, month in (("pay_as_you_go", "2026-12-05"), (name, "2027-01-05")):
        shown, etag = accounts.choose_plan(call(story, etag, at(month)), api.PlanChoice(plan=plan))
    assert (shown.current.plan, shown.current.discount_until) == (name, "2026-12")
