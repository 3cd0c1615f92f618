"""What billing takes and shows over HTTP: amounts as decimal strings with their currency, rates and shares as decimals."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from functions.shared.http import Answer, Body, Page, Query
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


Share = Annotated[str, AfterValidator(_share)]


class UnitPrice(Answer):
    """So much for `per` units of a meter; without a model, for all."""

    meter: str
    model: str | None
    price: Money
    per: int


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
    tax_rate: str
    reverse_charge: bool


class AgreedPlan(Answer):
    """The plan of a workspace; `next` takes its place with the month `from_month`."""

    current: Plan
    from_month: str | None = Field(description="The month since which it holds; null: from the beginning.")
    next: Plan | None = None
    next_from_month: str | None = None
    available: list[Plan]


class PlanChoice(Body):
    """The plan to have. One with a lower fee begins with the next month, every other at once."""

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
    """Who the invoices go to."""

    name: Text
    address: Annotated[tuple[Text, ...], Field(max_length=6, strict=False)] = ()
    country: Country | None = None
    vat_id: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{4,20}$")] | None = None
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)] | None = None


class ShownProfile(Answer):
    """Who the invoices go to; the workspace's name until somebody said otherwise."""

    name: str
    address: list[str]
    country: str | None
    vat_id: str | None
    email: str | None


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


class Billing(Answer):
    """The running month (UTC). Everything but `charge_so_far` is provisional until the month's invoice is final."""

    period: str
    starts_at: datetime
    ends_at: datetime
    currency: str
    plan: Plan
    usage: Quantities
    charge_so_far: Money
    fee: Money
    allowance: Money
    discount: Money
    tax: Money
    total: Money
    projection: Money = Field(description="What the charge will be at the month's end at the pace so far.")
    cap: Money | None
    trial_left: Money | None = Field(description="What is left to try with; null once something was paid.")
    agent_caps: dict[str, Money]
    charge_by_agent: dict[str, Money]
    balance: Balance
    as_of: datetime | None = Field(description="The time of the newest event in `usage`; null before the first.")


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


class Party(Answer):
    """A name and address on an invoice."""

    name: str
    address: list[str]
    country: str | None
    vat_id: str | None
    email: str | None


class InvoiceLine(Quantities):
    """One line; `exact` is its amount before it was rounded, once, to `amount`."""

    id: str
    kind: str
    usage_period: str
    agent_id: str | None
    model: str | None
    price_version: str | None
    description: str
    count: int
    exact: Money
    amount: Money
    tax: Money
    digest: str | None


class InvoiceSummary(Answer):
    """An invoice in a list."""

    id: str
    number: str | None
    period: str
    state: str
    total: Money
    due: Money
    issued_at: datetime | None
    due_at: datetime | None


class Invoice(InvoiceSummary):
    """An invoice with its lines; a draft may still change."""

    plan: str
    plan_version: str
    seller: Party
    bill_to: Party
    payment_terms: str
    lines: list[InvoiceLine]
    net: Money
    tax_rate: str
    reverse_charge: bool
    tax: Money
    credit_used: Money
    paid: Money
    credited: Money = Field(description="What credit notes took off what was due; the rest of them became credit.")
    written_off: Money
    replaces: str | None = Field(description="The void invoice in place of which it was issued.")
    replaced_by: str | None
    digest: str
    as_of: datetime


class InvoicesQuery(Page):
    """Which invoices."""

    state: Annotated[str, StringConstraints(pattern=r"^[a-z]{4,20}$")] | None = None


class LineEvent(Answer):
    """One turn under a line, or what corrects one."""

    id: str
    type: str
    corrects: str | None
    occurred_at: datetime
    conversation_id: str | None
    channel: str | None
    outcome: str | None
    estimated: bool
    input_tokens: int | None
    cached_input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    charge: Money
    cost: Money
    digest: str


class PaymentsQuery(Page):
    """Which payments."""

    invoice_id: Annotated[str, StringConstraints(pattern=r"^inv_[0-9a-z]{26}$")] | None = None


class Refund(Answer):
    """Money that went back. `requested`: the card service has not answered yet; `failed`: it came back to us."""

    id: str
    amount: Money
    at: datetime
    state: str
    reference: str | None
    note: str | None
    disputed: bool = Field(description="Whether the payer's bank took it back.")


class Payment(Answer):
    """Money that came in, or is on its way (`pending`); without an invoice it bought credit."""

    id: str
    invoice_id: str | None
    amount: Money
    received_at: datetime
    method: str
    reference: str | None
    note: str | None
    state: str
    refunded: Money
    refunds: list[Refund]


class NewRefund(Body):
    """Money to give back: all that is left of the payment, unless an amount is named."""

    amount: Money | None = None
    note: Text | None = None


class NewCheckout(Body):
    """What to pay by card: an invoice, with all that is due on it now, or credit for later ones."""

    invoice_id: Annotated[str, StringConstraints(pattern=r"^inv_[0-9a-z]{26}$")] | None = None
    credit: Money | None = None


class Checkout(Answer):
    """The page of the card service on which to pay."""

    id: str
    url: str
    amount: Money
    expires_at: datetime


class NewPayment(Body):
    """Money that came in, as the bank says."""

    invoice_id: Annotated[str, StringConstraints(pattern=r"^inv_[0-9a-z]{26}$")]
    amount: Money
    method: Text = "bank_transfer"
    reference: Text | None = None
    note: Text | None = None
    received_at: AwareDatetime | None = Field(
        default=None, description="When it came, with its offset from UTC; now if absent."
    )
