"""What a workspace reads: the running month, where its charge comes from, the price book."""

from collections.abc import Callable
from typing import Final

from functions.billing import api_models as api
from functions.billing import invoicing, repository
from functions.billing.accounts import shown_plan
from functions.billing.charges import Cell, Tally
from functions.billing.models import InvoiceState, Key, Party, Period
from functions.shared import clock, contracts, metering, pricing
from functions.shared.config import settings
from functions.shared.contracts import WorkspaceRead
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId
from functions.shared.money import NANOS, Money, divide, format_decimal, share
from functions.shared.plans import PlanTerms, by_quantity, period_charges, projection

PROJECTION_METHOD: Final = (
    "Straight line: charges and quantities of the month so far, times the month's length, divided by the time that is "
    "over (one hour at least). The total adds what the plan makes of them: prices by quantity, fee, what is included, "
    "discounts, minimum, tax. Seasons, weekdays and growth are not in it."
)


def billing(call: Call) -> api.Billing:
    """The running month: what is charged so far, and what that comes to by the plan's terms and with tax."""
    month = clock.month_of(call.now)
    period = Period(month=month)
    spend = metering.current(call.workspace, call.now)
    terms = PlanTerms.model_validate(spend.plan_terms)
    ((tally, newest),) = repository.tallies(call.workspace, [f"month_{month}"], spend.currency)
    charges = period_charges(terms, spend.spent_nanos, tally.counted, month)
    tax = invoicing.tax_of(terms, Party.model_validate(settings().seller), bill_to(call.workspace), month)
    later = {
        model: {meter: projection(number, call.now) for meter, number in of.items()}
        for model, of in tally.counted.items()
    }
    projected = projection(spend.spent_nanos, call.now)
    at_the_end = period_charges(terms, projected, later, month)

    def money(nanos: int) -> Money:
        return Money.of_nanos(nanos, spend.currency)

    return api.Billing(
        period=month,
        starts_at=period.start,
        ends_at=period.end,
        currency=spend.currency,
        plan=shown_plan(terms),
        usage=api.Quantities.model_validate(tally.total.quantities.model_dump()),
        charge_so_far=money(charges.usage),
        tiers=money(charges.tiers),
        by_quantity=[
            api.QuantityPrice(
                meter=one.price.meter.value,
                model=one.price.model,
                scheme=one.price.scheme.value,
                quantity=one.quantity,
                at_list=money(divide(one.at_list.numerator, one.at_list.denominator)),
                amount=money(divide(one.amount.numerator, one.amount.denominator)),
            )
            for one in by_quantity(terms, tally.counted)
        ],
        fee=money(charges.fee),
        allowance=money(charges.allowance),
        discount=money(charges.discount),
        minimum=money(charges.minimum),
        tax=money(share(charges.net, tax.rate)),
        tax_rate=format_decimal(tax.rate),
        reverse_charge=tax.reverse_charge,
        tax_note=tax.note,
        total=money(charges.net + share(charges.net, tax.rate)),
        projection=money(projected),
        projected_total=money(at_the_end.net + share(at_the_end.net, tax.rate)),
        projection_method=PROJECTION_METHOD,
        projection_as_of=call.now,
        cap=None if spend.cap_nanos is None else money(spend.cap_nanos),
        trial_left=None if spend.trial_nanos is None else money(max(0, spend.trial_nanos - spend.spent_nanos)),
        agent_caps={agent: money(cap) for agent, cap in sorted(spend.agent_caps.items())},
        charge_by_agent={agent: money(spent) for agent, spent in sorted(spend.spent_by_agent.items())},
        balance=balance(call.workspace, spend.currency),
        charge_as_of=call.now,
        as_of=clock.from_micros(newest),
    )


def bill_to(workspace: WorkspaceId) -> Party:
    """Who an invoice would go to now: the profile, or the workspace as long as nobody has said it."""
    profile, home = repository.read([repository.profile_path(workspace), contracts.workspace_path(workspace)])
    if profile.exists:
        return Party.model_validate(profile.data)
    return Party(name=str(home.data["name"]), country=home.data.get("country"))


def balance(workspace: WorkspaceId, currency: str) -> api.Balance:
    """What is due on invoices, and the credit."""
    owed = {InvoiceState.OPEN: 0, InvoiceState.OVERDUE: 0}
    for found in repository.invoices_in(workspace, *owed):
        owed[InvoiceState(found.data["state"])] += int(found.data["due_minor"])
    (account,) = repository.read([repository.account_path(workspace)])
    return api.Balance(
        due=Money.of_minor(sum(owed.values()), currency),
        overdue=Money.of_minor(owed[InvoiceState.OVERDUE], currency),
        credit=Money.of_nanos(account.data.get("credit_nanos", 0), currency),
    )


def usage(call: Call, query: api.UsageQuery) -> api.Usage:
    """A month by agent, model and UTC day, from billing's own tallies; they hold what events have brought so far."""
    month = query.period or clock.month_of(call.now)
    (home,) = repository.read([contracts.workspace_path(call.workspace)])
    currency = WorkspaceRead.model_validate(home.data).currency
    today = clock.day_of(call.now)
    days = [day for day in Period(month=month).days if day <= today]
    names = [f"month_{month}", *(f"day_{day}" for day in days)]
    (whole, newest), *by_day = repository.tallies(call.workspace, names, currency)
    by_agent = grouped(whole, lambda key: key.agent_id)
    by_model = grouped(whole, lambda key: key.model)
    agents = repository.agent_names(call.workspace, list(by_agent))
    return api.Usage(
        period=month,
        total=_shown(month, whole.total, currency),
        by_agent=[_shown(agent, cell, currency, agents.get(agent)) for agent, cell in by_agent.items()],
        by_model=[_shown(model, cell, currency) for model, cell in by_model.items()],
        by_day=[_shown(day, tally.total, currency) for day, (tally, _) in zip(days, by_day, strict=True)],
        as_of=clock.from_micros(newest),
    )


def grouped(tally: Tally, name: Callable[[Key], str]) -> dict[str, Cell]:
    """The cells by one part of their key, the dearest first."""
    groups: dict[str, Cell] = {}
    for key, cell in tally.cells.items():
        groups[name(key)] = groups.get(name(key), Cell()).plus(cell)
    return dict(sorted(groups.items(), key=lambda item: (-item[1].charge_nanos, item[0])))


def _shown(key: str, cell: Cell, currency: str, name: str | None = None) -> api.UsageOf:
    return api.UsageOf(
        key=key,
        name=name,
        charge=Money.of_nanos(cell.charge_nanos, currency),
        cost=Money.of_nanos(cell.cost_nanos, currency),
        **cell.quantities.model_dump(),
    )


def prices() -> api.PriceBook:
    """The price book as it ships."""
    book = pricing.book()
    return api.PriceBook(
        currency=book.currency,
        versions=[
            api.PriceVersion(
                version=version.version,
                effective_from=version.effective_from,
                published=version.published.isoformat(),
                note=version.note,
                models=[_price(model, tier) for model in version.models for tier in model.tiers(pricing.GLOBAL_REGION)],
            )
            for version in book.versions
        ],
    )


def _price(model: pricing.ModelPrice, tier: pricing.Tier) -> api.ModelPrice:
    return api.ModelPrice(
        provider=model.provider,
        model=model.model,
        input=format_decimal(tier.input),
        cached_input=format_decimal(tier.cached_input),
        output=format_decimal(tier.output),
        reasoning=format_decimal(tier.reasoning),
        over_input_tokens=tier.over_input_tokens,
        regional_uplift=format_decimal(model.regional_uplift or NANOS),
        answers=tier.answers,
        demonstration=model.demonstration,
        source=model.source,
        checked=model.checked.isoformat() if model.checked else None,
    )
