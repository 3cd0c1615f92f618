"""The operator sees who owes what and since when, and what a month has brought and cost."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.billing import operator_api_models as api
from functions.billing import receivables
from functions.shared import clock, contracts, firestore, logs
from functions.shared.errors import NotFound
from functions.shared.http import Page, page_token
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud
from tests.functions.billing.debts import operator, pay
from tests.functions.billing.making import FINAL as NOW
from tests.functions.billing.making import close, draft, event, freeze, terms
from tests.functions.billing.story import AGENT, FINAL, Story, at, owing


@given(st.lists(st.tuples(st.integers(-30, 200), st.integers(1, 10**6)), max_size=8))
def test_every_coin_that_is_due_is_in_the_bucket_of_its_age(owed: list[tuple[int, int]]) -> None:
    made = freeze(draft(terms(), close([event(charge_nanos=10_000_000_000)], "2026-12-01")))
    invoices = [
        made.model_copy(
            update={"state": "open", "total_minor": minor, "credit_minor": 0, "due_at": NOW - timedelta(days=days)}
        )
        for days, minor in owed
    ]
    found = receivables.aging(invoices, "USD", NOW)
    # On the day on which it was due it is a day late, thirty days later it is in the next bucket.
    spans = {
        "not_due": (-99, -1),
        "days_1_30": (0, 29),
        "days_31_60": (30, 59),
        "days_61_90": (60, 89),
        "over_90": (90, 999),
    }
    for name, (first, last) in spans.items():
        expected = sum(minor for days, minor in owed if first <= days <= last)
        assert getattr(found, name).minor == expected, name


def listed(story: Story, now: datetime) -> api.Debtor | None:
    """The story's workspace in the operator's list, looked for on every page."""
    token = None
    while True:
        page = receivables.page(operator(story, now=now), Page(page_size=100, page_token=token))
        for one in page.items:
            if one.id == story.workspace:
                return one
        token = page.next_page_token
        if token is None:
            return None


def test_an_erased_workspace_is_listed_as_long_as_it_owes(house: Cloud) -> None:
    story = owing(house)
    batch = firestore.Batch()
    batch.update(contracts.workspace_path(story.workspace), {("state",): "erased"})
    batch.commit()
    (invoice,) = story.invoices()
    found = listed(story, at("2027-02-01"))
    assert found is not None
    assert (found.state, found.due.amount, found.aging.days_31_60.amount) == ("erased", "10.00", "10.00")
    pay(story, invoice, 1000)
    assert listed(story, at("2027-02-01")) is None


def test_a_debtor_shows_what_is_due_and_how_late(house: Cloud) -> None:
    story = Story(house)
    story.turn(at("2026-11-26"), charge_nanos=10_000_000_000, cost_nanos=4_000_000_000)
    story.close(FINAL)
    pay(story, story.invoices()[0], 300)

    def mine(days: int) -> api.Debtor:
        found = listed(story, at("2026-12-16", 1) + timedelta(days=days))
        assert found is not None
        return found

    assert (mine(-3).aging.not_due.amount, mine(-3).due.amount, mine(-3).open_invoices) == ("7.00", "7.00", 1)
    assert (mine(40).aging.days_31_60.amount, mine(40).aging.not_due.amount) == ("7.00", "0.00")


def test_a_page_of_workspaces_takes_as_many_round_trips_with_thirty_as_with_three(
    house: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(house)
    story.turn(at("2026-11-26"), charge_nanos=10_000_000_000)
    story.close(FINAL)
    others = sorted(house.workspace(created_at=clock.now()) for _ in range(30))
    before = firestore.find(firestore.Query("workspaces", fields=("state",)))
    earlier = [one.id for one in before if one.id < min(story.workspace, others[0])]
    token = page_token(max(earlier)) if earlier else None
    trips: list[str] = []
    for name in ("get_all", "stream", "find"):
        monkeypatch.setattr(firestore, name, counted(getattr(firestore, name), name, trips))
    taken = []
    for size in (3, 31):
        trips.clear()
        with logs.request() as operations:
            page = receivables.page(operator(story, now=at("2026-12-10")), Page(page_size=size, page_token=token))
        taken.append((trips.copy(), operations["firestore_reads"]))
    # The page, one query for the invoices of all of them, and three documents of each workspace.
    assert taken == [(["find", "stream", "get_all"], 4 + 9 + 1), (["find", "stream", "get_all"], 31 + 93 + 1)]
    mine = {one.id: one for one in page.items}
    assert set(mine) == {story.workspace, *others}
    assert (mine[story.workspace].due.amount, mine[story.workspace].open_invoices) == ("10.00", 1)
    assert {(mine[one].due.amount, mine[one].plan, mine[one].charge_so_far.amount) for one in others} == {
        ("0.00", "pay_as_you_go", "0.00")
    }


def counted(call: Callable[..., Any], name: str, trips: list[str]) -> Callable[..., Any]:
    """The same, noting each time that it is called."""

    def noted(*args: Any, **kwargs: Any) -> Any:
        if name != "stream" or args[0].group:  # `find` streams too.
            trips.append(name)
        return call(*args, **kwargs)

    return noted


def test_a_months_margin_is_what_was_charged_less_what_it_cost(house: Cloud) -> None:
    story = Story(house)
    story.turn(at("2026-11-26"), charge_nanos=3_000_000_000, cost_nanos=1_000_000_000)
    story.turn(at("2026-11-27"), charge_nanos=1_000_000_000, cost_nanos=1_500_000_000, model="other")
    found = receivables.margin(operator(story), story.workspace, api.MarginQuery(period="2026-11"))
    assert (found.total.charge.amount, found.total.cost.amount, found.total.margin.amount) == ("4.00", "2.50", "1.50")
    assert {one.key: one.margin.amount for one in found.by_model} == {"offline-extractive": "2.00", "other": "-0.50"}
    assert [(one.key, one.name, one.messages) for one in found.by_agent] == [(AGENT, "Front desk", 2)]
    running = receivables.margin(operator(story), story.workspace, api.MarginQuery())
    assert (running.period, running.total.charge.amount) == ("2026-12", "0.00")
    with pytest.raises(NotFound):
        receivables.margin(operator(story), from_directory("ws_01k00000000000000000000000"), api.MarginQuery())
