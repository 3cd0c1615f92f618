"""The last 90 days under another plan or with another model: which tallies that needs, and what is said of the result.

A month that lies in the window as far as it goes is one read, of the first one the days that are left; no event is read
and nothing is written.
"""

from datetime import datetime, timedelta
from typing import Final

from functions.billing import offers, repository
from functions.billing import simulation_models as models
from functions.billing.accounts import invalid, shown_plan
from functions.billing.charges import Tally
from functions.billing.models import Period
from functions.billing.repricing import Comparison, Repriced, Span, reprice
from functions.shared import clock, contracts, ids, metering, pricing
from functions.shared.contracts import BillingRead, WorkspaceRead
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money
from functions.shared.plans import PlanTerms, UnknownPlan

DAYS: Final = 90
NAMED_AGENTS: Final = 40
"""So many agents, the dearest, are shown with their names: each is a read."""

UNKNOWN: Final = {
    "tokens": "Another model answers at another length and counts tokens its own way; here it has the same tokens.",
    "reasoning": "How much another model would think, and how much of its input it would find in a cache, is not known.",
    "answers": "Whether its answers would be as good, and how long conversations would then be, no bill can tell.",
    "long_prompts": "Calls with long prompts cost more with this model; sums by day know no single call: none is taken.",
    "pending": "Some turns have usage that the provider has not reported yet; it counts nothing here.",
    "resolved": "Resolved conversations were not counted while they had no price; they are missing here.",
    "failed": "Some answers had no price, so turns that failed cannot be told from them; all are taken as charged.",
    "packages": "In a part of a month a begun package counts whole.",
}
"""What the figures cannot know, by code."""

CAVEATS: Final = {
    "part_of_a_month": "The window is no whole number of months: fees, minimum, what is included and tiers count by days.",
    "rounding": "Each sum is rounded once here, each turn once on a bill: half a nano a turn at most.",
    "caps": "Turns that a cap refused are not there, and other prices would have refused others.",
    "prices_of_today": "The other model is taken at its price of today, in the global region.",
    "demonstration": "The other model's price is a demonstration and nobody's offer.",
    "tax": "All amounts are before tax, customer credit is left out.",
}
"""How the figures were made, by code."""


def simulate(call: Call, ask: models.Simulate) -> models.Simulation:
    """The comparison. Raises Invalid for a plan that is not offered, a model without a price, an agent without a model."""
    workspace = call.workspace
    account, home = repository.read([repository.account_path(workspace), contracts.workspace_path(workspace)])
    known = WorkspaceRead.model_validate(home.data)
    plan = None if ask.plan is None else _plan(workspace, ask.plan, known.currency, call.now)
    price = None if ask.model is None else _price(ask.model, call.now)
    _check(ask)
    spans, newest = _spans(workspace, BillingRead.model_validate(account.data), known, call.now)
    return _shown(workspace, call.now, known, spans, newest, reprice(spans, plan, price, ask.agent), plan, price)


def _check(ask: models.Simulate) -> None:
    if ask.plan is None and ask.model is None:
        raise invalid("/plan", "Name another plan, another model, or both.")
    if ask.agent is not None and ask.model is None:
        raise invalid("/agent", "An agent says whose answers the other model gives; name the model.")
    if ask.agent is not None and not ids.valid("agent", ask.agent):
        raise invalid("/agent", "This is no agent.")


def _plan(workspace: WorkspaceId, name: str, currency: str, now: datetime) -> PlanTerms:
    try:
        plan = offers.plan_at(workspace, name, now)
    except UnknownPlan:
        raise invalid("/plan", "This plan is not published.") from None
    if plan.currency != currency:
        raise invalid("/plan", "This plan is in another currency than the workspace.")
    return plan


def _price(model: str, now: datetime) -> pricing.Price:
    found = [price for price in pricing.book().prices_at(now) if price.model == model]
    if not found:
        raise invalid("/model", "The price book has no such model.")
    if not found[0].tiers[0].answers:
        raise invalid("/model", "This model embeds texts and answers nobody; name one that answers.")
    return found[0]


def _spans(workspace: WorkspaceId, account: BillingRead, home: WorkspaceRead, now: datetime) -> tuple[list[Span], int]:
    """The months of the window that the workspace was there, and the time of the newest event in them."""
    first = max(clock.day_of(now - timedelta(days=DAYS - 1)), clock.day_of(home.created_at))
    today = clock.day_of(now)
    wanted: list[tuple[str, int, list[str]]] = []
    month = first[:7]
    while month <= today[:7]:
        days = [day for day in Period(month=month).days if first <= day <= today]
        whole = days[:1] == [f"{month}-01"]
        wanted.append((month, len(days), [f"month_{month}"] if whole else [f"day_{day}" for day in days]))
        month = clock.next_month(month)
    found = iter(repository.tallies(workspace, [name for _, _, names in wanted for name in names], home.currency))
    spans, newest = [], 0
    for month, number, names in wanted:
        whole_tally = Tally(currency=home.currency, cells={})
        for _ in names:
            tally, micros = next(found)
            whole_tally, newest = whole_tally.plus(tally), max(newest, micros)
        terms = PlanTerms.model_validate(metering.agreed(account, month).plan_terms)
        spans.append(Span(month, number, len(Period(month=month).days), whole_tally, terms))
    return spans, newest


def _shown(
    workspace: WorkspaceId,
    now: datetime,
    home: WorkspaceRead,
    spans: list[Span],
    newest: int,
    found: Repriced,
    plan: PlanTerms | None,
    price: pricing.Price | None,
) -> models.Simulation:
    dearest = sorted(
        found.agents, key=lambda name: (-max(found.agents[name].usage_was, found.agents[name].usage), name or "")
    )
    names = repository.agent_names(workspace, [name for name in dearest if name][:NAMED_AGENTS])
    unknown = set(found.unknown) | ({"tokens", "reasoning", "answers"} if price else set())
    caveats = {"rounding", "caps", "tax", *(unknown & CAVEATS.keys())} | ({"prices_of_today"} if price else set())
    if price is not None and price.demonstration:
        caveats.add("demonstration")
    total = sum((span.days for span in spans), 0)
    return models.Simulation(
        days=total,
        starts_at=clock.start_of_day(clock.day_of(now - timedelta(days=total - 1))),
        ends_at=now,
        currency=home.currency,
        plan=None if plan is None else shown_plan(plan),
        model=None if price is None else price.model,
        price_version=None if price is None else price.version,
        total=_compared(found.total, home.currency),
        by_month=[
            models.SimulatedMonth(
                month=span.month,
                days=span.days,
                days_of_month=span.days_of_month,
                plan=span.terms.plan,
                **_compared(one, home.currency).model_dump(),
            )
            for span, one in found.months
        ],
        by_agent=[
            models.SimulatedAgent(
                agent_id=name, name=names.get(name or ""), **_compared(found.agents[name], home.currency).model_dump()
            )
            for name in dearest
        ],
        unknown=[models.Note(code=code, text=UNKNOWN[code]) for code in UNKNOWN if code in unknown],
        caveats=[models.Note(code=code, text=CAVEATS[code]) for code in CAVEATS if code in caveats],
        as_of=clock.from_micros(newest),
    )


def _compared(one: Comparison, currency: str) -> models.Compared:
    def money(nanos: int) -> Money:
        return Money.of_nanos(nanos, currency)

    return models.Compared(
        usage_was=money(one.usage_was),
        usage=money(one.usage),
        net_was=money(one.net_was),
        net=money(one.net),
        difference=money(one.net - one.net_was),
    )
