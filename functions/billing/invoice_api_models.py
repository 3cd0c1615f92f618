"""What an invoice shows over HTTP: its lines, the events under a line, and what became of it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from functions.billing.api_models import Quantities
from functions.shared.http import Answer, Page
from functions.shared.money import Money
from functions.shared.plans import Meter


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
    meter: Meter | None = Field(description="What is charged by the unit, where the exact amount is units times price.")
    unit_price: Money | None
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
    paid: Money
    due: Money
    issued_at: datetime | None
    due_at: datetime | None
    as_of: datetime = Field(
        description="The time up to which the books were closed for its lines; what is paid and due counts at once."
    )


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
    tax_note: str | None = Field(description="What the law wants said about the tax.")
    tax: Money
    credit_used: Money
    credited: Money = Field(description="What credit notes took off what was due; the rest of them became credit.")
    written_off: Money
    replaces: str | None = Field(description="The void invoice in place of which it was issued.")
    replaced_by: str | None
    digest: str


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
