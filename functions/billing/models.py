"""The nouns of billing, frozen: what happened, what was booked, what is asked for, what was paid.

Field names are the columns of infra/catalogue.yaml. Amounts are integers: `*_nanos`, or `*_minor` where a person or a
bank sees them. Days and periods are UTC, written "2026-11-25" and "2026-11".
"""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from functions.billing.aftermath import Aftermath
from functions.billing.frozen import Frozen
from functions.shared.digests import canonical_json, rfc3339
from functions.shared.money import Currency, Nanos
from functions.shared.plans import RESOLVED_TYPE, Meter

Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Month = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]


class Period(Frozen):
    """A UTC month, half-open: it has its first instant and not its last."""

    month: Month

    @classmethod
    def of(cls, at: datetime) -> Self:
        """The period that an instant belongs to."""
        return cls(month=at.astimezone(UTC).strftime("%Y-%m"))

    @property
    def start(self) -> datetime:
        """Its first instant."""
        return datetime.fromisoformat(f"{self.month}-01").replace(tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first instant after it, which is the start of the next."""
        return (self.start + timedelta(days=31)).replace(day=1)

    @property
    def next(self) -> "Period":
        """The month after."""
        return Period.of(self.end)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.end.date() - timedelta(days=1)

    @property
    def days(self) -> list[str]:
        """Its days, in order."""
        count = (self.end - self.start).days
        return [(self.start.date() + timedelta(days=n)).isoformat() for n in range(count)]


class UsageEvent(BaseModel):
    """What billing needs of a usage event; other columns are there and are not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    event_id: str
    type: str
    corrects: str | None = None
    workspace_id: str
    agent_id: str
    model: str
    occurred_at: datetime
    price_version: str
    plan_version: str
    currency: Currency
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_nanos: Nanos
    charge_nanos: Nanos
    outcome: str = "completed"
    new_conversation: bool = False
    digest: str

    @property
    def day(self) -> str:
        """The UTC day it belongs to."""
        return self.occurred_at.astimezone(UTC).date().isoformat()

    @property
    def hour(self) -> str:
        """The UTC hour it belongs to: "2026-11-25T13"."""
        return self.occurred_at.astimezone(UTC).strftime("%Y-%m-%dT%H")

    @property
    def is_turn(self) -> bool:
        """Whether it stands for a turn, and not for a correction or a resolution."""
        return self.corrects is None and self.type != RESOLVED_TYPE

    @property
    def is_message(self) -> bool:
        """Whether it is a turn that was answered, whole or in part: only that is a message that a plan counts."""
        return self.is_turn and self.outcome in ("completed", "interrupted")

    @property
    def pending(self) -> int:
        """1 for a turn with an unreported bucket, -1 for the correction that states every bucket, else 0."""
        known = None not in (self.input_tokens, self.cached_input_tokens, self.output_tokens, self.reasoning_tokens)
        if self.is_turn:
            return 0 if known else 1
        return -1 if known and self.corrects is not None else 0


class Key(Frozen):
    """What tallies, entries and lines are kept by."""

    agent_id: str
    model: str
    price_version: str

    def __lt__(self, other: "Key") -> bool:
        return (self.agent_id, self.model, self.price_version) < (other.agent_id, other.model, other.price_version)


class Quantities(Frozen):
    """What was counted; additive, and negative in the entry that corrects too much."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    messages: int = 0
    conversations: int = 0
    resolved_conversations: int = 0

    def __add__(self, other: "Quantities") -> "Quantities":
        return Quantities(**{n: getattr(self, n) + getattr(other, n) for n in Quantities.model_fields})

    def __sub__(self, other: "Quantities") -> "Quantities":
        return Quantities(**{n: getattr(self, n) - getattr(other, n) for n in Quantities.model_fields})

    @property
    def tokens(self) -> int:
        """All tokens, whatever their bucket."""
        return self.input_tokens + self.cached_input_tokens + self.output_tokens + self.reasoning_tokens


class Uncharged(Frozen):
    """What of the quantities was not charged, since a turn failed or was waived: prices by quantity do not count it."""

    free_input_tokens: int = 0
    free_cached_input_tokens: int = 0
    free_output_tokens: int = 0
    free_reasoning_tokens: int = 0
    free_messages: int = 0
    free_conversations: int = 0
    free_resolved_conversations: int = 0


class Account(StrEnum):
    """Where money can be. Debits raise what is owed to the operator and what it has; credits what it earned or owes."""

    UNBILLED = "unbilled"
    RECEIVABLE = "receivable"
    REVENUE = "revenue"
    TAX = "tax"
    CUSTOMER_CREDIT = "customer_credit"
    CASH = "cash"
    ROUNDING = "rounding"


class EntryKind(StrEnum):
    """Why an entry was booked."""

    USAGE = "usage"
    TIER_ADJUSTMENT = "tier_adjustment"
    FEE = "fee"
    ALLOWANCE = "allowance"
    DISCOUNT = "discount"
    MINIMUM = "minimum"
    INVOICED = "invoiced"
    TAX = "tax"
    ROUNDING = "rounding"
    CREDIT_APPLIED = "credit_applied"
    PAYMENT = "payment"
    REFUND = "refund"
    VOID = "void"
    CREDIT_GRANTED = "credit_granted"
    CREDIT_EXPIRED = "credit_expired"
    CREDIT_NOTE = "credit_note"
    CREDIT_NOTE_TAX = "credit_note_tax"
    CREDIT_NOTE_REST = "credit_note_rest"
    REISSUE = "reissue"
    WRITE_OFF = "write_off"
    WRITE_OFF_TAX = "write_off_tax"
    RECOVERED = "recovered"


class LedgerEntry(Quantities, Uncharged):
    """One movement from the credit account to the debit account; never changed, never deleted.

    `period` is the one that it is invoiced in. `usage_period` is the one that it belongs to: for late usage an earlier
    one. The amount is never negative: what goes the other way has its accounts exchanged.
    """

    entry_id: str
    workspace_id: str
    kind: EntryKind
    period: Month
    usage_period: Month
    day: Day | None = None
    booked_at: datetime
    agent_id: str | None = None
    model: str | None = None
    price_version: str | None = None
    invoice_id: str | None = None
    payment_id: str | None = None
    debit_account: Account
    credit_account: Account
    amount_nanos: Annotated[Nanos, Field(ge=0)]
    cost_nanos: Nanos = 0
    currency: Currency
    count: int = 0
    digest: str | None = None
    corrects: str | None = None

    @property
    def key(self) -> Key:
        """What it is about. Raises ValueError on an entry that is about no agent."""
        return Key.model_validate({"agent_id": self.agent_id, "model": self.model, "price_version": self.price_version})

    @property
    def quantities(self) -> Quantities:
        """Its quantities alone."""
        return Quantities(**{name: getattr(self, name) for name in Quantities.model_fields})

    @property
    def uncharged(self) -> Uncharged:
        """What of its quantities was not charged."""
        return Uncharged(**{name: getattr(self, name) for name in Uncharged.model_fields})

    def to_row(self) -> dict[str, Any]:
        """The columns of `ledger_entries`, as the event `ledger-recorded` carries them."""
        return self.model_dump(mode="json") | {"booked_at": rfc3339(self.booked_at)}

    def on(self, account: Account) -> int:
        """What it adds to an account, in nanos: debits positive, credits negative."""
        debit = self.amount_nanos if self.debit_account == account else 0
        credit = self.amount_nanos if self.credit_account == account else 0
        return debit - credit


class ClosingMark(Frozen):
    """A day is closed for a workspace; the last one says where the next close begins.

    `other_days` are the days on which some of the events happened that were booked on this one (corrections).
    """

    workspace_id: str
    day: Day
    closed_at: datetime
    count: int
    cost_nanos: Nanos
    charge_nanos: Nanos
    digest: str
    other_days: tuple[Day, ...] = ()


class LineKind(StrEnum):
    """What an invoice line is for; tax is a line, so that all lines add up to the total."""

    USAGE = "usage"
    LATE_USAGE = "late_usage"
    TIER_ADJUSTMENT = "tier_adjustment"
    FEE = "fee"
    ALLOWANCE = "allowance"
    DISCOUNT = "discount"
    MINIMUM = "minimum"
    TAX = "tax"


USAGE_LINES = (LineKind.USAGE, LineKind.LATE_USAGE)
"""The lines that events stand under."""


class InvoiceLine(Quantities):
    """One line: exact in nanos, rounded once in minor units. `tax_minor` is its share of the invoice's tax.

    `meter` and `unit_price_nanos` are there where the amount is just so many units of it at one price.
    """

    line_id: str
    kind: LineKind
    usage_period: Month
    agent_id: str | None = None
    model: str | None = None
    price_version: str | None = None
    meter: Meter | None = None
    unit_price_nanos: Nanos | None = None
    description: str
    count: int = 0
    amount_nanos: Nanos
    amount_minor: int
    tax_minor: int = 0
    digest: str | None = None


class InvoiceState(StrEnum):
    """Where an invoice stands; functions/billing/invoicing.py says which follow which."""

    DRAFT = "draft"
    FINALIZING = "finalizing"
    OPEN = "open"
    PAID = "paid"
    OVERDUE = "overdue"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class Party(Frozen):
    """A name and address on an invoice, as it was when the invoice was made; `locale` is how it is written to."""

    name: str
    address: tuple[str, ...] = ()
    country: str | None = None
    vat_id: str | None = None
    email: str | None = None
    locale: str | None = None


class Invoice(Frozen):
    """What is asked for one period. Frozen from `finalizing` on: only state, paid, `after` and due move after that."""

    invoice_id: str
    workspace_id: str
    period: Month
    state: InvoiceState
    number: str | None = None
    currency: Currency
    plan: str
    plan_version: str
    seller: Party
    bill_to: Party
    payment_terms: str
    lines: tuple[InvoiceLine, ...]
    tax_rate: Nanos
    reverse_charge: bool
    tax_note: str | None = None
    net_minor: int
    tax_minor: int
    total_minor: int
    rounding_nanos: Nanos
    credit_minor: int = 0
    paid_minor: int = 0
    digest: str
    as_of: datetime
    issued_at: datetime | None = None
    due_at: datetime | None = None
    after: Aftermath = Aftermath()

    @property
    def due_minor(self) -> int:
        """What is still to be paid; never negative, since an overpayment is credit, and nothing once it is void."""
        if self.state == InvoiceState.VOID:
            return 0
        taken = self.credit_minor + self.paid_minor + self.after.credited_minor + self.after.written_off_minor
        return max(0, self.total_minor - taken)

    def to_rows(self) -> list[dict[str, Any]]:
        """The columns of `invoice_lines`, one row a line, as `invoice-recorded` carries them. Raises ValueError before
        the invoice has its number."""
        if self.number is None or self.issued_at is None:
            raise ValueError("a draft has no rows")
        own = {
            "invoice_id": self.invoice_id,
            "number": self.number,
            "workspace_id": self.workspace_id,
            "period": self.period,
            "currency": self.currency,
            "issued_at": rfc3339(self.issued_at),
        }
        return [line.model_dump(mode="json") | own for line in self.lines]

    def as_frozen(self) -> "Invoice":
        """As finalizing froze it, whatever was paid, credited or written off since."""
        return self.model_copy(update={"state": InvoiceState.FINALIZING, "paid_minor": 0, "after": Aftermath()})

    def frozen_bytes(self) -> bytes:
        """Canonical JSON of what finalizing froze: the archive's copy, the same whatever is paid later."""
        document = self.model_dump(exclude={"state", "paid_minor", "after"})
        return canonical_json(document | {"due_minor": max(0, self.total_minor - self.credit_minor)})


def first_day_after(day: str) -> str:
    """The next UTC day."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
