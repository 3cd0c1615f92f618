"""What a workspace chooses and sees of its plan, caps and month over HTTP: amounts as decimal strings with their currency,
rates and shares as decimals."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from functions.billing.wording import languages
from functions.shared.http import Answer, Body, Query
from functions.shared.money import NANOS, Money, parse_decimal

PERMILLE = NANOS // 1000

Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


def _share(text: str) -> str:
    nanos = parse_decimal(text)
    if not 0 <= nanos <= NANOS or nanos % PERMILLE:
        raise ValueError("a share is between 0 and 1, in steps of 0.001")
    return text


def _spoken(locale: str) -> str:
    known = languages()
    if locale[:2] not in known:
        raise ValueError(f"invoices are written in {', '.join(sorted(known))}")
    return locale


Share = Annotated[str, AfterValidator(_share)]


class PriceTier(Answer):
    """So much for `per` units, for those up to `up_to`; null is without end."""

    up_to: int | None
    price: Money
    per: int


class UnitPrice(Answer):
    """So much for `per` units of a meter; without a model, for all. `price` is what a turn is charged when it ends."""

    meter: str
    model: str | None
    scheme: str = Field(
        description="unit; graduated: each unit at its tier's price; volume: all at the price of the tier that their "
        "number reaches; package: in whole packages of `per`. What the month's quantity makes of it is settled at its end."
    )
    price: Money
    per: int
    tiers: list[PriceTier]


class Plan(Answer):
    """The terms of a plan."""

    plan: str
    version: str
    name: str
    monthly_fee: Money
    cost_plus: str | None = Field(
        description="What is added to the provider's cost: 0.2 is 20 %. Null: it is not passed on."
    )
    unit_prices: list[UnitPrice]
    included: Money
    included_units: dict[str, int]
    discount: str
    discount_amount: Money = Field(description="Comes off after the share `discount`.")
    discount_months: int | None = Field(description="How many months a discount holds; null: always.")
    discount_until: str | None = Field(description="The last month with a discount; null until it was agreed.")
    minimum: Money = Field(description="What a month comes to at least, before tax.")
    tax_rate: str | None = Field(description="Null: by the countries of seller and buyer.")
    reverse_charge: bool


class AgreedPlan(Answer):
    """The plan of a workspace; `next` takes its place with the month `from_month`."""

    current: Plan
    from_month: str | None = Field(description="The month since which it holds; null: from the beginning.")
    next: Plan | None = None
    next_from_month: str | None = None
    available: list[Plan]


class PlanChoice(Body):
    """The plan to have. One with a lower fee or minimum begins with the next month, and so does one whose prices count a
    whole month once something was used in this one; every other at once."""

    plan: str = Field(min_length=1, max_length=60)


def _alerts(shares: tuple[str, ...]) -> tuple[str, ...]:
    if len({parse_decimal(share) for share in shares}) < len(shares) or "0" in shares:
        raise ValueError("each share above 0 is named once")
    return shares


Alerts = Annotated[tuple[Share, ...], Field(max_length=10, strict=False), AfterValidator(_alerts)]


class Budgets(Answer):
    """Caps of a month. No cap is null; the visitors' shares are of the workspace's cap.

    `alerts` are the shares of the cap at which the business is told, `agent_alerts` those of the caps of agents.
    """

    cap: Money | None
    agent_caps: dict[str, Money]
    alerts: list[str]
    agent_alerts: dict[str, list[str]]
    visitor_hour_share: str
    visitor_day_share: str


class BudgetsChange(Body):
    """All caps, as they shall be."""

    cap: Money | None
    agent_caps: dict[str, Money] = Field(default_factory=dict, max_length=200)
    alerts: Alerts = ("0.8", "1")
    agent_alerts: dict[str, Alerts] = Field(
        default_factory=dict,
        max_length=200,
        description="For agents with a cap, others fall away; 0.8 and 1 for who is not named.",
    )
    visitor_hour_share: Share = "0.1"
    visitor_day_share: Share = "0.25"


class Profile(Body):
    """Who the invoices go to. Country and VAT id decide about the tax; of an id the form is checked, nobody is asked."""

    name: Text
    address: Annotated[tuple[Text, ...], Field(max_length=6, strict=False)] = ()
    country: Country | None = None
    vat_id: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{4,20}$")] | None = None
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)] | None = None
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$"), AfterValidator(_spoken)] | None = (
        Field(
            default=None,
            description="How invoices are written, such as de or de-AT; the country's language if absent.",
        )
    )


class ShownProfile(Answer):
    """Who the invoices go to; the workspace's name until somebody said otherwise."""

    name: str
    address: list[str]
    country: str | None
    vat_id: str | None
    email: str | None
    locale: str


class Quantities(Answer):
    """What was counted."""

    messages: int
    conversations: int
    resolved_conversations: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int


class Balance(Answer):
    """Where the workspace stands: what is due on invoices, what of it is late, and the credit it has."""

    due: Money
    overdue: Money
    credit: Money


class QuantityPrice(Answer):
    """What the month's quantity makes of one price so far: `amount` in place of `at_list`."""

    meter: str
    model: str | None
    scheme: str
    quantity: int = Field(description="Charged units, without those that the plan includes.")
    at_list: Money
    amount: Money


class Billing(Answer):
    """The running month (UTC). Everything but `charge_so_far` is provisional until the month's invoice is final."""

    period: str
    starts_at: datetime
    ends_at: datetime
    currency: str
    plan: Plan
    usage: Quantities
    charge_so_far: Money = Field(description="Turns at list price, as each was charged when it ended.")
    tiers: Money = Field(description="What prices by quantity change in it, mostly below zero.")
    by_quantity: list[QuantityPrice]
    fee: Money
    allowance: Money
    discount: Money
    minimum: Money = Field(description="What is missing to the month's minimum.")
    tax: Money
    tax_rate: str
    reverse_charge: bool
    tax_note: str | None
    total: Money
    projection: Money = Field(description="What the charge will be at the month's end at the pace so far.")
    projected_total: Money = Field(description="What `total` will be then.")
    projection_method: str = Field(description="How both were made.")
    projection_as_of: datetime = Field(description="The time up to which they know what was spent.")
    cap: Money | None
    trial_left: Money | None = Field(description="What is left to try with; null once something was paid.")
    agent_caps: dict[str, Money]
    charge_by_agent: dict[str, Money]
    balance: Balance
    charge_as_of: datetime = Field(
        description="When what was charged, caps and balance were read; a turn counts at once."
    )
    as_of: datetime | None = Field(
        description="The time of the newest event in `usage` and `by_quantity`, which follow a turn within seconds; "
        "null before the first."
    )


class UsageQuery(Query):
    """Which month."""

    period: Month | None = Field(default=None, description="A UTC month, 2026-11; the running one if absent.")


class UsageOf(Quantities):
    """The figures of one agent, model or day."""

    key: str
    name: str | None = None
    charge: Money
    cost: Money


class Usage(Answer):
    """A month's charges by agent, by model and by UTC day; days without usage are there with zeros."""

    period: str
    total: UsageOf
    by_agent: list[UsageOf]
    by_model: list[UsageOf]
    by_day: list[UsageOf]
    as_of: datetime | None


class ModelPrice(Answer):
    """What a provider takes for a million tokens, in the book's currency."""

    provider: str
    model: str
    input: str
    cached_input: str
    output: str
    reasoning: str
    over_input_tokens: int = Field(description="Only for calls with more input than this; 0 is every call.")
    regional_uplift: str = Field(description="The factor outside of the global region.")
    answers: bool = Field(description="Whether it writes answers; an embedding model does not.")
    demonstration: bool
    source: str
    checked: str | None


class PriceVersion(Answer):
    """A version of the price book."""

    version: str
    effective_from: datetime
    published: str
    note: str
    models: list[ModelPrice]


class PriceBook(Answer):
    """Every version; an event is rated with the last one that was in force and names its model."""

    currency: str
    versions: list[PriceVersion]
